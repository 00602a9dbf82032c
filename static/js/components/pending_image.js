// One thumbnail: its upload, its progress, its failure.
import { fromTemplate, part, show } from "../lib/dom.js";
import { CallError } from "../lib/http.js";
import { upload } from "../lib/uploads.js";
import { say } from "../lib/words.js";

const BUSY = "images_busy"; // the site has too many pictures at this moment, and none of this one
const PAUSES = [1000, 2000, 4000, 8000, 16_000]; // milliseconds before it is sent again by itself

export class PendingImage {
  element = fromTemplate("pending-image");
  state = "ready"; // uploading | ready | failed
  info = null;
  #file;
  #options;
  #running = null;
  #removed = false;

  /** With `info` the image is with the site already; with `file` it is sent now. */
  constructor({ file = null, info = null, ...options }) {
    this.#file = file;
    this.#options = options;
    const name = info?.name || file?.name || say("image");
    const picture = this.element.querySelector("img");
    picture.alt = name;
    picture.src = info ? info.thumbnail : URL.createObjectURL(file);
    picture.addEventListener("load", () => file && URL.revokeObjectURL(picture.src), { once: true });
    const remove = part(this.element, "remove");
    remove.ariaLabel = remove.title = say("remove", { name });
    remove.addEventListener("click", () => {
      this.#removed = true;
      this.#running?.cancel();
      this.#options.onRemove(this);
    });
    part(this.element, "retry").addEventListener("click", () => this.#send());
    part(this.element, "reload").addEventListener("click", () => location.reload());
    if (info) this.#arrived(info);
    else this.#send();
  }

  async #send() {
    this.#become("uploading");
    try {
      this.#arrived(await this.#upload());
    } catch (error) {
      if (error.code !== "cancelled") this.#become("failed", error);
      if (error.code === "terms_not_accepted" && (await this.#options.consent.askAnew().catch(() => false))) return this.#send();
    }
    this.#options.onChange();
  }

  /** Upload, and again after a pause while the site is busy. Many visitors may wait: none after the same pause. */
  async #upload() {
    for (const pause of PAUSES) {
      try {
        return await this.#once();
      } catch (error) {
        if (error.code !== BUSY) throw error;
        await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random() / 2)));
      }
    }
    return this.#once();
  }

  #once() {
    if (this.#removed) throw new CallError({ code: "cancelled", text: "" });
    const progress = this.element.querySelector("progress");
    const { url, csrfToken } = this.#options;
    this.#running = upload(this.#file, {
      url,
      csrfToken,
      onProgress: (share) => {
        progress.value = share;
        progress.ariaLabel = say("uploading", { name: this.#file.name, percent: Math.round(share * 100) });
      },
    });
    progress.ariaLabel = say("uploading", { name: this.#file.name, percent: 0 });
    return this.#running.done;
  }

  #arrived(info) {
    this.info = info;
    this.element.title = `${info.name} · ${say("size", info)}`;
    this.#become("ready");
  }

  #become(state, error = null) {
    this.state = state;
    this.element.dataset.state = state;
    show(this.element.querySelector("progress"), state === "uploading");
    show(part(this.element, "retry"), error !== null && !error.needsReload);
    show(part(this.element, "reload"), error?.needsReload ?? false);
    const words = part(this.element, "problem");
    words.textContent = error?.message ?? "";
    show(words, error !== null);
  }
}
