// The dialog in which boxes are drawn on the images that led to a reply: by mouse, finger or keyboard.
import { fromTemplate, part, show, write } from "../lib/dom.js";
import { grown, inTheMiddle, moved } from "../lib/boxes.js";
import { say } from "../lib/words.js";
import { BoxPointer } from "./box_pointer.js";

const MOST = 10; // as the site takes
const STEP = 0.02; // of the image's longer side, for a press of an arrow key; with Alt one pixel
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class BoxEditor {
  #dialog = document.getElementById("boxes");
  #stage = part(this.#dialog, "stage");
  #pointer;
  #picture = this.#stage.querySelector("img");
  #images = [];
  #shown = 0;
  #boxes = []; // of all images: {image, x, y, width, height}
  #onDone = () => {};

  constructor() {
    const on = (name, action) => part(this.#dialog, name).addEventListener("click", action);
    on("cancel", () => this.#dialog.close());
    on("done", () => {
      this.#dialog.close();
      this.#onDone(this.#boxes);
    });
    on("add", () => this.#add(inTheMiddle(this.#image)));
    on("previous", () => this.#show(this.#shown - 1));
    on("next", () => this.#show(this.#shown + 1));
    this.#pointer = new BoxPointer(this.#stage, {
      size: () => this.#image,
      isFull: () => this.#boxes.length >= MOST,
      add: (values) => this.#add(values),
      change: (element, values) => this.#change(element, values),
      remove: (element) => this.#remove(element),
      onCorner: () => write(part(this.#dialog, "state"), say("box_corner")),
    });
  }

  /** Show these images with `boxes` on them; `onDone(boxes)` hears what they became. */
  open({ images, boxes, value, onDone }) {
    this.#images = images;
    this.#boxes = boxes.map((box) => ({ ...box }));
    this.#onDone = onDone;
    const isRight = value === "up";
    write(part(this.#dialog, "title"), say(isRight ? "box_right" : "box_wrong"));
    const marked = images.findIndex(({ id }) => boxes.some(({ image }) => image === id));
    this.#show(marked === -1 ? images.length - 1 : marked);
    this.#dialog.showModal();
  }

  get #image() {
    return this.#images[this.#shown];
  }

  #show(index) {
    this.#shown = index;
    const image = this.#image;
    Object.assign(this.#picture, { src: image.url, alt: image.name || say("image"), width: image.width, height: image.height });
    // As large as the dialog allows, in the picture's own shape; tiny pictures are enlarged, to be hit at all.
    this.#stage.style.setProperty("--shape", `${image.width / image.height}`);
    this.#stage.style.aspectRatio = `${image.width} / ${image.height}`;
    show(part(this.#dialog, "turn"), this.#images.length > 1);
    write(part(this.#dialog, "which"), say("variant", { index: index + 1, count: this.#images.length }));
    part(this.#dialog, "previous").disabled = index === 0;
    part(this.#dialog, "next").disabled = index === this.#images.length - 1;
    this.#draw();
  }

  #draw() {
    this.#pointer.forget();
    for (const element of this.#stage.querySelectorAll(".mark")) element.remove();
    for (const box of this.#boxes) if (box.image === this.#image.id) this.#stage.append(this.#mark(box));
    this.#tell();
  }

  #tell() {
    const full = this.#boxes.length >= MOST;
    part(this.#dialog, "add").disabled = full;
    write(part(this.#dialog, "state"), full ? say("boxes_full", { limit: MOST }) : say("boxes_count", { count: this.#boxes.length }));
  }

  #mark(box) {
    const element = fromTemplate("box");
    element.box = box;
    this.#place(element);
    element.addEventListener("keydown", (event) => this.#key(event, element));
    part(element, "remove").addEventListener("click", () => this.#remove(element));
    return element;
  }

  #place(element) {
    const { box } = element;
    const { width, height } = this.#image;
    const share = (part, whole) => `${(part / whole) * 100}%`;
    Object.assign(element.style, {
      left: share(box.x, width),
      top: share(box.y, height),
      width: share(box.width, width),
      height: share(box.height, height),
    });
    const number = this.#boxes.indexOf(box) + 1;
    part(element, "grip").ariaLabel = say("box", { number, ...box });
    part(element, "remove").ariaLabel = say("box_remove", { number });
  }

  #change(element, values) {
    Object.assign(element.box, values);
    this.#place(element);
  }

  #add(values) {
    const box = { image: this.#image.id, ...values };
    this.#boxes.push(box);
    const element = this.#mark(box);
    this.#stage.append(element);
    this.#tell();
    part(element, "grip").focus();
    return element;
  }

  #remove(element) {
    this.#boxes = this.#boxes.filter((box) => box !== element.box);
    this.#draw();
    part(this.#dialog, "add").focus();
  }

  #key(event, element) {
    if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      return this.#remove(element);
    }
    const way = ARROWS[event.key];
    if (!way) return;
    event.preventDefault();
    const size = this.#image;
    const step = event.altKey ? 1 : Math.max(1, Math.round(Math.max(size.width, size.height) * STEP));
    const change = event.shiftKey ? grown : moved;
    this.#change(element, change(element.box, way[0] * step, way[1] * step, size));
  }
}
