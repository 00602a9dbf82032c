// One thumbnail: its upload, its progress, its failure.
import { fromTemplate, part, show } from "../lib/dom.js";
import { CallError } from "../lib/http.js";
import { altOf } from "../lib/images.js";
import { refusal, upload } from "../lib/uploads.js";
import { say } from "../lib/words.js";

const BUSY = "images_busy"; // the site has too many pictures at this moment, and none of this one
const PAUSES = [1000, 2000, 4000, 8000, 16_000]; // milliseconds before it is sent again by itself

export class PendingImage {
  element = fromTemplate("pending-image");
  state = "ready"; // uploading | ready | failed | refused
  info = null;
  #file;
  #options;
  #running = null;
  #removed = false;

  /**
   * With `info` the image is with the site already; with `file` it is sent now, after it was made smaller. `onChange(image)`,
   * `onRemove(image)`, `onMove(image, by)`, `onLook(image, opener)`, `onRefused(image, words)` of one that can't be sent.
   */
  constructor({ file = null, info = null, ...options }) {
    this.#file = file;
    this.#options = options;
    const name = info?.name || file?.name || say("image");
    const picture = this.element.querySelector("img");
    this.name = name;
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
    const look = part(this.element, "look");
    look.addEventListener("click", () => this.info && this.#options.onLook(this, look));
    look.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
      if (!by) return;
      event.preventDefault();
      this.#options.onMove(this, by);
    });
    for (const [name, by] of [["earlier", -1], ["later", 1]]) {
      part(this.element, name).addEventListener("click", () => this.#options.onMove(this, by));
    }
    part(this.element, "retry").addEventListener("click", () => this.#send());
    part(this.element, "reload").addEventListener("click", () => location.reload());
    if (info) this.#arrived(info);
    else this.#begin();
  }

  /** Take what the visitor said that it shows. */
  describe(description) {
    this.#arrived({ ...this.info, description });
    this.#options.onChange(this);
  }

  /** Say which image of how many this one is, and what can be done with it. */
  number(index, count) {
    part(this.element, "number").textContent = count > 1 ? index + 1 : "";
    const values = { name: this.name, index: index + 1, count };
    part(this.element, "look").ariaLabel = say(count > 1 ? "look_of_several" : "look", values);
    const moves = { earlier: [say("move_earlier", values), 0], later: [say("move_later", values), count - 1] };
    for (const [name, [words, last]] of Object.entries(moves)) {
      const button = part(this.element, name);
      button.ariaLabel = button.title = words;
      show(button, count > 1);
      button.disabled = index === last;
    }
  }

  async #begin() {
    this.#become("uploading");
    this.#waitFor(say("preparing", { name: this.name }));
    this.#file = await this.#scaledDown().catch(() => this.#file);
    if (this.#removed) return;
    const words = refusal(this.#file, this.#options.limits);
    if (!words) return this.#send();
    this.state = "refused";
    this.#options.onRefused(this, words);
  }

  /** The site takes images as they are, too: what makes them smaller may come late, or not at all. */
  async #scaledDown() {
    const { scaledDown } = await import("../lib/scaling.js");
    return scaledDown(this.#file, this.#options.limits.scale_to);
  }

  async #send() {
    this.#become("uploading");
    try {
      this.#arrived(await this.#upload());
    } catch (error) {
      if (error.code !== "cancelled") this.#become("failed", error);
      if (error.code === "terms_not_accepted" && (await this.#options.consent.askAnew().catch(() => false))) return this.#send();
    }
    this.#options.onChange(this);
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
    const { url, csrfToken } = this.#options;
    this.#sent(0);
    this.#running = upload(this.#file, {
      url,
      csrfToken,
      // What is there whole is still read and stored by the site.
      onProgress: (share) => (share < 1 ? this.#sent(share) : this.#waitFor(say("storing", { name: this.name }))),
    });
    return this.#running.done;
  }

  #sent(share) {
    const percent = Math.round(share * 100);
    const progress = this.element.querySelector("progress");
    progress.value = share;
    progress.ariaLabel = say("uploading", { name: this.name, percent });
    part(this.element, "percent").textContent = say("percent", { percent });
  }

  /** Show that something is done of which nobody knows how long it takes. */
  #waitFor(words) {
    const progress = this.element.querySelector("progress");
    progress.removeAttribute("value");
    progress.ariaLabel = words;
    part(this.element, "percent").textContent = "";
  }

  #arrived(info) {
    this.info = info;
    this.element.title = `${info.name} · ${say("size", info)}`;
    this.element.querySelector("img").alt = altOf(info);
    this.#become("ready");
  }

  #become(state, error = null) {
    this.state = state;
    this.element.dataset.state = state;
    show(this.element.querySelector("progress"), state === "uploading");
    show(part(this.element, "percent"), state === "uploading");
    show(part(this.element, "retry"), error !== null && !error.needsReload);
    show(part(this.element, "reload"), error?.needsReload ?? false);
    const words = part(this.element, "problem");
    words.textContent = error?.message ?? "";
    show(words, error !== null);
  }
}
