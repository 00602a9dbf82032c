// The dialog in which pictures are looked at: large, zoomed, one after the other, with the boxes of a reply.
import { part, show, write } from "../lib/dom.js";
import { say } from "../lib/words.js";
import { altOf } from "../lib/images.js";
import { Description } from "./description.js";
import { makeSwitch, Overlay } from "./overlay.js";
import { Viewer } from "./viewer.js";

const STEP = 1.4; // of the zoom, for a press of a key or button
const PAN = 60; // CSS pixels, for an arrow key
const ARROWS = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

export class Lightbox {
  #dialog = document.getElementById("lightbox");
  #full = part(this.#dialog, "full");
  #small = part(this.#dialog, "small");
  #overlay = new Overlay({ onMark: (number) => this.#overlay.mark(number) });
  #description = new Description(this.#dialog);
  #viewer;
  #images = [];
  #shown = 0;
  #boxesOn = () => [];
  #describe = null;
  #opener = null;

  constructor() {
    const on = (name, action) => part(this.#dialog, name).addEventListener("click", action);
    on("close", () => this.#dialog.close());
    on("out", () => this.#viewer.zoom(1 / STEP));
    on("in", () => this.#viewer.zoom(STEP));
    on("whole", () => this.#viewer.whole());
    on("previous", () => this.#turn(-1));
    on("next", () => this.#turn(1));
    this.#viewer = new Viewer(part(this.#dialog, "frame"), part(this.#dialog, "view"), {
      onChange: (zoom) => this.#zoomed(zoom),
      onTurn: (by) => this.#turn(by),
    });
    makeSwitch(part(this.#dialog, "switch"));
    part(this.#dialog, "view").append(this.#overlay.element);
    this.#full.addEventListener("load", () => write(part(this.#dialog, "state"), ""));
    this.#full.addEventListener("error", () => this.#full.src && write(part(this.#dialog, "state"), say("image_not_loaded")));
    this.#dialog.addEventListener("keydown", (event) => this.#key(event));
    this.#dialog.addEventListener("close", () => {
      this.#description.keep();
      this.#full.removeAttribute("src");
      this.#opener?.focus();
    });
  }

  /**
   * Look at the image with this id, of `images` as the site tells of them. `boxesOn(id)` gives what components/overlay.js
   * shows; `number` is of the place to look at; `describe`, see components/description.js. Focus goes back to `opener`.
   */
  open(images, id, { boxesOn = () => [], number = null, describe = null, opener = null } = {}) {
    this.#images = images;
    this.#boxesOn = boxesOn;
    this.#describe = describe;
    this.#opener = opener;
    this.#dialog.showModal();
    part(this.#dialog, "frame").focus(); // not by `autofocus`, which browsers refuse in frames of other sites
    this.#show(Math.max(0, images.findIndex((image) => image.id === id)), number);
  }

  #show(index, number = null) {
    this.#shown = index;
    const image = this.#images[index];
    const name = image.name || say("image");
    const boxes = this.#boxesOn(image.id);
    write(part(this.#dialog, "state"), say("history_loading"));
    this.#small.src = image.thumbnail;
    Object.assign(this.#full, { src: image.url, alt: altOf(image) });
    this.#description.show(image, this.#describe);
    write(part(this.#dialog, "title"), name);
    write(part(this.#dialog, "which"), this.#images.length > 1 ? say("variant", { index: index + 1, count: this.#images.length }) : "");
    for (const turn of ["previous", "next"]) show(part(this.#dialog, turn), this.#images.length > 1);
    part(this.#dialog, "previous").disabled = index === 0;
    part(this.#dialog, "next").disabled = index === this.#images.length - 1;
    show(part(this.#dialog, "switch"), boxes.length > 0);
    this.#overlay.show(boxes);
    this.#overlay.mark(number);
    this.#viewer.show(image, boxes.find((box) => box.number === number)?.box);
    this.#keepFocus();
  }

  #turn(by) {
    const to = this.#shown + by;
    if (to < 0 || to >= this.#images.length) return;
    this.#description.keep();
    this.#show(to);
  }

  #zoomed(zoom) {
    write(part(this.#dialog, "zoom"), say("percent", { percent: Math.round(zoom * 100) }));
    part(this.#dialog, "out").disabled = zoom <= 1;
    this.#keepFocus();
  }

  /** A button that has just become useless would keep the keys to itself. */
  #keepFocus() {
    if (document.activeElement?.disabled) part(this.#dialog, "frame").focus();
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input")) return;
    const arrow = ARROWS[event.key];
    const action = {
      "+": () => this.#viewer.zoom(STEP),
      "=": () => this.#viewer.zoom(STEP),
      "-": () => this.#viewer.zoom(1 / STEP),
      0: () => this.#viewer.whole(),
      PageUp: () => this.#turn(-1),
      PageDown: () => this.#turn(1),
    }[event.key];
    if (action) action();
    else if (arrow && this.#viewer.isZoomed) this.#viewer.pan(PAN * arrow[0], PAN * arrow[1]);
    else if (arrow?.[0]) this.#turn(-arrow[0]);
    else return;
    event.preventDefault();
  }
}
