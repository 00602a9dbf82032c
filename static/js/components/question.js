// A message of the visitor's: text as typed, and its pictures.
import { fromTemplate, isPlainClick, part, show, write } from "../lib/dom.js";
import { altOf } from "../lib/images.js";
import { say } from "../lib/words.js";
import { Versions } from "./versions.js";

export class Question {
  element = fromTemplate("question");
  #versions;

  /** `actions`: edit(message), choose(id), look(image id, options of lightbox.js). */
  constructor(message, actions) {
    this.#versions = new Versions(this.element, actions.choose);
    part(this.element, "edit").addEventListener("click", () => actions.edit(message));
    this.element.dataset.message = message.id;
    const pictures = message.images.map((info) => {
      const picture = fromTemplate("picture");
      const link = picture.querySelector("a");
      link.href = info.url;
      link.addEventListener("click", (event) => isPlainClick(event) && actions.look(info.id, { opener: link }));
      const image = picture.querySelector("img");
      const size = fitted(info);
      Object.assign(image, { src: info.thumbnail, alt: altOf(info), ...size });
      return picture;
    });
    const list = part(this.element, "pictures");
    list.append(...pictures);
    show(list, pictures.length > 0);
    show(part(this.element, "text"), message.text !== "");
  }

  /** `refused`: the words why the site did not send it on, or "". */
  update(message, { refused }) {
    this.#versions.update(message);
    write(part(this.element, "text"), message.text);
    const notSent = part(this.element, "not-sent");
    write(notSent, refused ? say("not_sent") : "");
    show(notSent, Boolean(refused));
    this.element.classList.toggle("is-refused", Boolean(refused));
  }
}

const LARGEST = 240; // CSS pixels

/** The size on screen, known before the picture has loaded, so that nothing jumps. */
function fitted({ width, height }) {
  const scale = Math.min(1, LARGEST / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}
