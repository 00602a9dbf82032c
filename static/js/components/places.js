// What a reply points at: labels in its text and boxes on the visitor's pictures, linked both ways.
import { copyText } from "../lib/clipboard.js";
import { fromTemplate, isPlainClick, part, show, write } from "../lib/dom.js";
import { asText, MARK, markedPlace } from "../lib/grounding_markdown.js";
import { altOf } from "../lib/images.js";
import { inWholes } from "../lib/places.js";
import { pointedAt } from "../lib/pointing.js";
import { say } from "../lib/words.js";
import { listen, makeSwitch, Overlay } from "./overlay.js";

export class Places {
  #figure;
  #text;
  #message;
  #actions;
  #slots = []; // where the text has marks, in the order in which they came; each holds a label or plain text
  #changed = false;
  #places = []; // {number, label, hue, image, boxes}
  #pictures = new Map(); // image id → {element, overlay}

  /** `figure` and `text` of the reply `message`; `actions`: imagesBefore(message), look(image id, options of lightbox.js). */
  constructor(figure, text, message, actions) {
    this.#figure = figure;
    this.#text = text;
    this.#message = message;
    this.#actions = actions;
    const on = (name, action) => part(figure, name).addEventListener("click", action);
    on("pixels", () => this.#copy("pixels"));
    on("thousandths", () => this.#copy("thousandths"));
    makeSwitch(part(figure, "switch"));
  }

  /** Make what stands for a mark in the text, see lib/morph.js. */
  slotFor(mark) {
    const slot = document.createElement("span");
    const take = (mark) => {
      slot.place = markedPlace(mark);
      this.#changed = true;
    };
    take(mark);
    slot.textContent = asText(slot.place);
    this.#slots.push(slot);
    const update = (node) => {
      if (!(node instanceof Element && node.matches(MARK))) return false;
      if (JSON.stringify(markedPlace(node)) !== JSON.stringify(slot.place)) take(node);
      return true;
    };
    return { element: slot, update };
  }

  /** Bring labels and boxes in line with the text, after it was drawn. Most frames bring words only, and cost nothing. */
  draw() {
    while (this.#slots.length && !this.#slots.at(-1).isConnected) {
      this.#slots.pop();
      this.#changed = true;
    }
    if (!this.#changed) return;
    this.#changed = false;
    this.#read();
    const images = new Map(this.#places.map(({ image }) => [image.id, image]));
    for (const [id, { element }] of this.#pictures) {
      if (images.has(id)) continue;
      element.remove();
      this.#pictures.delete(id);
    }
    for (const [id, image] of images) {
      if (!this.#pictures.has(id)) this.#add(image);
      this.#pictures.get(id).overlay.show(this.#boxesOn(id));
    }
    show(this.#figure, images.size > 0);
  }

  #read() {
    const asked = { model: this.#message.model ?? "", mode: this.#message.parameters.image_mode };
    const pictures = this.#actions.imagesBefore(this.#message);
    this.#places = [];
    for (const { node, place, pointed } of pointedAt(this.#text, (node) => node.place, pictures, asked)) {
      if (pointed) this.#places.push(this.#fill(node, { label: place.label || say("place"), ...pointed }));
      else write(node, asText(place));
    }
  }

  #boxesOn(id) {
    return this.#places
      .filter(({ image }) => image.id === id)
      .flatMap(({ boxes, ...place }) => boxes.map((box) => ({ ...place, box })));
  }

  /** Make of a slot what a visitor can point at. */
  #fill(slot, place) {
    const element = slot.querySelector("button") ?? this.#label(slot);
    write(element, place.label);
    Object.assign(element.dataset, { number: place.number, place: place.number, hue: place.hue });
    return place;
  }

  #label(slot) {
    const element = fromTemplate("place");
    listen(element, () => Number(element.dataset.place), (number) => this.#mark(number));
    slot.replaceChildren(element);
    return element;
  }

  #add(image) {
    const element = fromTemplate("seen-picture");
    const link = element.querySelector("a");
    const look = (opener, number = null) => {
      this.#actions.look(image.id, { boxesOn: (id) => this.#boxesOn(id), number, opener });
    };
    const overlay = new Overlay({
      onMark: (number) => this.#mark(number),
      onChoose: (box) => look(box, Number(box.dataset.place)),
    });
    const picture = element.querySelector("img");
    Object.assign(picture, { src: image.thumbnail, alt: altOf(image), width: image.width, height: image.height });
    element.style.setProperty("--shape", `${image.width / image.height}`);
    link.href = image.url;
    link.addEventListener("click", (event) => isPlainClick(event) && look(link));
    element.append(overlay.element);
    part(this.#figure, "pictures").append(element);
    this.#pictures.set(image.id, { element, overlay });
  }

  #mark(number) {
    const marked = this.#places.find((place) => place.number === number);
    for (const [id, { element, overlay }] of this.#pictures) {
      overlay.mark(number);
      // Several pictures may not fit side by side; the page itself must not move.
      if (id === marked?.image.id) bringIntoSight(element, part(this.#figure, "pictures"));
    }
    for (const element of this.#text.querySelectorAll("button.place")) {
      element.classList.toggle("is-marked", element.dataset.place === String(number));
    }
  }

  async #copy(unit) {
    const several = this.#pictures.size > 1;
    const boxes = this.#places.flatMap(({ label, image, boxes }) =>
      boxes.map((box) => ({ ...(several && { image: image.name }), label, box: inWholes(box, image, unit) })),
    );
    await copyText(`[\n${boxes.map((box) => `  ${JSON.stringify(box)}`).join(",\n")}\n]\n`);
    write(part(this.#figure, "said"), say("places_copied", { count: boxes.length }));
    setTimeout(() => write(part(this.#figure, "said"), ""), 2000);
  }
}

function bringIntoSight(element, row) {
  const [inner, outer] = [element.getBoundingClientRect(), row.getBoundingClientRect()];
  if (inner.left < outer.left) row.scrollLeft -= outer.left - inner.left;
  else if (inner.right > outer.right) row.scrollLeft += Math.min(inner.right - outer.right, inner.left - outer.left);
}
