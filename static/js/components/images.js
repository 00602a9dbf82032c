// The images of the message being written: chosen, dropped or pasted, uploaded at once, shown with progress.
import { part, show } from "../lib/dom.js";
import { address, postJSON } from "../lib/http.js";
import { wrongFormat } from "../lib/uploads.js";
import { say } from "../lib/words.js";
import { acceptImages } from "./incoming.js";
import { announce } from "./notices.js";
import { PendingImage } from "./pending_image.js";

const NARROW = matchMedia("(max-width: 52rem)");

export class Images {
  #root = document.getElementById("images");
  #input = document.getElementById("add-image");
  #camera = document.getElementById("take-photo");
  #list = part(this.#root, "pending");
  #images = [];
  #draft = ""; // whose images they are
  #away = new Map(); // draft → its images that were not with the site yet when another draft took its place
  #sortable = null; // what lets them be dragged, once there are several
  #options;

  /**
   * `options`: url, describeURL, csrfToken, limits, consent, onChange (images came, went, arrived or changed places), onProblem(words),
   * look(infos, id, options of lightbox.js).
   */
  constructor(options) {
    this.#options = options;
    for (const input of [this.#input, this.#camera]) {
      input.addEventListener("change", () => {
        this.add(input.files);
        input.value = "";
      });
    }
    acceptImages((files) => this.add(files));
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
    if (this.#input.multiple !== several) this.#input.multiple = several;
  }

  /** Take files of the visitor's; those that can't be taken are refused with words. */
  async add(files) {
    const chosen = [...files]; // the list empties itself while the terms are read
    const { consent, onProblem } = this.#options;
    if (consent.isMissing && !(await consent.ask())) return onProblem(say("terms_first"));
    for (const file of chosen) {
      const problem = wrongFormat(file, this.#options.limits);
      if (problem) onProblem(problem);
      else this.#show(new PendingImage({ file, ...this.#options, ...this.#handlers }));
    }
  }

  /** The images but those that were sent, by their ids. */
  besides(sent) {
    return this.#images.filter(({ info }) => !sent.includes(info?.id));
  }

  /**
   * Show the images of a draft in place of those of another one: `infos` of those with the site, what of it was still on
   * its way when it was left, and `taken`, which come along from the other one.
   */
  turnTo(draft, infos, taken = []) {
    this.#away.set(this.#draft, this.#images.filter((image) => image.state !== "ready" && !taken.includes(image)));
    this.clear();
    this.#draft = draft;
    for (const info of infos) this.#show(new PendingImage({ info, ...this.#handlers }));
    const back = this.#away.get(draft) ?? [];
    for (const image of [...back, ...taken]) if (image.state !== "refused") this.#show(image);
    this.#away.delete(draft);
  }

  clear() {
    for (const image of this.#images) image.element.remove();
    this.#images = [];
    this.#changed();
  }

  get #handlers() {
    return {
      onChange: (image) => this.#images.includes(image) && this.#changed(),
      onRemove: (image) => {
        this.#remove(image);
        this.#input.focus();
      },
      onRefused: (image, words) => {
        this.#remove(image);
        this.#options.onProblem(words);
      },
      onLook: ({ info }, opener) => this.#options.look(this.infos, info.id, { opener, describe: (...said) => this.#describe(...said) }),
      onMove: (image, by) => this.#moveByKey(image, by),
    };
  }

  /** Store what the visitor says that an image shows. Raises `CallError`. */
  async #describe(info, text) {
    const { describeURL, csrfToken } = this.#options;
    const { description } = await postJSON(address(describeURL, { id: info.id }), { description: text }, csrfToken);
    info.description = description;
    this.#images.find((image) => image.info?.id === info.id)?.describe(description);
  }

  #remove(image) {
    this.#images = this.#images.filter((other) => other !== image);
    image.element.remove();
    this.#changed();
  }

  #moveByKey(image, by) {
    const index = this.#images.indexOf(image) + by;
    if (index < 0 || index >= this.#images.length) return;
    const focused = document.activeElement;
    this.#move(image, index);
    (focused.disabled ? part(image.element, "look") : focused).focus();
    announce(say("moved", { name: image.name, index: index + 1, count: this.#images.length }));
  }

  #move(image, index) {
    this.#images = this.#images.filter((other) => other !== image);
    this.#list.insertBefore(image.element, this.#images[index]?.element ?? null);
    this.#images.splice(index, 0, image);
    this.#changed();
  }

  #show(image) {
    this.#images.push(image);
    this.#list.append(image.element);
    this.#changed();
  }

  #changed() {
    this.#images.forEach((image, index) => image.number(index, this.#images.length));
    show(this.#list, this.#images.length > 0);
    if (this.#images.length > 1) this.#letDrag();
    this.#options.onChange();
  }

  /** Where this can't be loaded, buttons and keys move images all the same. */
  #letDrag() {
    const onMove = (element, index) => this.#move(this.#images.find((image) => image.element === element), index);
    this.#sortable ??= import("./reordering.js").then(
      ({ makeSortable }) => makeSortable(this.#list, { onMove }),
      () => (this.#sortable = null),
    );
  }

  /** On a phone images belong to the message box; moving the one element keeps tab order and sight in step. */
  #place() {
    const slot = NARROW.matches ? "composer-images" : "side-images";
    document.querySelector(`[data-slot="${slot}"]`).append(this.#root);
  }
}
