// The images of the message being written: chosen, dropped or pasted, uploaded at once, shown with progress.
import { part, show } from "../lib/dom.js";
import { refusal } from "../lib/uploads.js";
import { say } from "../lib/words.js";
import { PendingImage } from "./pending_image.js";

const NARROW = matchMedia("(max-width: 52rem)");

export class Images {
  #root = document.getElementById("images");
  #input = document.getElementById("add-image");
  #list = part(this.#root, "pending");
  #images = [];
  #options;

  /** `options`: url, csrfToken, limits, consent, onChange (images came, went or arrived), onProblem(words). */
  constructor(options) {
    this.#options = options;
    this.#input.addEventListener("change", () => {
      this.add(this.#input.files);
      this.#input.value = "";
    });
    document.addEventListener("paste", (event) => {
      const files = imagesIn(event.clipboardData);
      if (!files.length) return;
      event.preventDefault();
      this.add(files);
    });
    this.#acceptDrops();
    this.#place();
    NARROW.addEventListener("change", () => this.#place());
  }

  get count() {
    return this.#images.length;
  }

  get isUploading() {
    return this.#images.some((image) => image.state === "uploading");
  }

  get hasFailed() {
    return this.#images.some((image) => image.state === "failed");
  }

  /** What the site knows of the images that arrived, in their order. */
  get infos() {
    return this.#images.filter((image) => image.state === "ready").map((image) => image.info);
  }

  /** Let the file chooser pick several at once, or one. */
  allowSeveral(several) {
    this.#input.multiple = several;
  }

  /** Take files of the visitor's; those that can't be taken are refused with words. */
  async add(files) {
    const chosen = [...files]; // the list empties itself while the terms are read
    const { consent, onProblem } = this.#options;
    if (consent.isMissing && !(await consent.ask())) return onProblem(say("terms_first"));
    for (const file of chosen) {
      const problem = refusal(file, this.#options.limits);
      if (problem) onProblem(problem);
      else this.#show(new PendingImage({ file, ...this.#options, ...this.#handlers }));
    }
  }

  /** Show images that are with the site already: of a draft from before a reload, or of a refused message. */
  restore(infos) {
    for (const info of infos) this.#show(new PendingImage({ info, ...this.#handlers }));
  }

  clear() {
    for (const image of this.#images) image.element.remove();
    this.#images = [];
    this.#changed();
  }

  get #handlers() {
    return {
      onChange: () => this.#changed(),
      onRemove: (image) => {
        this.#images = this.#images.filter((other) => other !== image);
        image.element.remove();
        this.#changed();
        this.#input.focus();
      },
    };
  }

  #show(image) {
    this.#images.push(image);
    this.#list.append(image.element);
    this.#changed();
  }

  #changed() {
    show(this.#list, this.#images.length > 0);
    this.#options.onChange();
  }

  /** On a phone images belong to the message box; moving the one element keeps tab order and sight in step. */
  #place() {
    const slot = NARROW.matches ? "composer-images" : "side-images";
    document.querySelector(`[data-slot="${slot}"]`).append(this.#root);
  }

  #acceptDrops() {
    const cover = document.getElementById("drop-cover");
    const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
    document.addEventListener("dragover", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      show(cover, true);
    });
    document.addEventListener("dragleave", (event) => event.relatedTarget || show(cover, false));
    document.addEventListener("drop", (event) => {
      show(cover, false);
      if (!hasFiles(event)) return;
      event.preventDefault();
      this.add(event.dataTransfer.files);
    });
  }
}

/** Files of a paste; text that was copied together with a picture of itself stays text. */
function imagesIn(data) {
  if (!data || data.types.includes("text/plain")) return [];
  return [...data.files].filter((file) => file.type.startsWith("image/"));
}
