// A message of the visitor's: text as typed, and its pictures.
import { fromTemplate, part, show, write } from "../lib/dom.js";
import { say } from "../lib/words.js";

export class Question {
  element = fromTemplate("question");

  constructor(message) {
    this.element.dataset.message = message.id;
    const pictures = message.images.map((info) => {
      const picture = fromTemplate("picture");
      picture.querySelector("a").href = info.url;
      const image = picture.querySelector("img");
      const size = fitted(info);
      Object.assign(image, { src: info.thumbnail, alt: info.name || say("image"), ...size });
      return picture;
    });
    const list = part(this.element, "pictures");
    list.append(...pictures);
    show(list, pictures.length > 0);
    show(part(this.element, "text"), message.text !== "");
  }

  /** `refused`: the words why the site did not send it on, or "". */
  update(message, { refused }) {
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
