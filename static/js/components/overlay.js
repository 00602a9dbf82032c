// Boxes over a picture, each with its number and label. The picture itself is never touched.
import { fromTemplate, part, write } from "../lib/dom.js";
import { browser } from "../lib/storage.js";
import { say } from "../lib/words.js";

const MANY = 8; // from so many on only numbers are shown, and labels where one points
const OFF = "without-boxes";
const percent = (share) => `${share * 100}%`;

export class Overlay {
  element = document.createElement("div");
  #elements = [];
  #marked = null;
  #onMark;
  #onChoose;

  /** `onMark(number)` hears whose box the visitor points at or has focused, null when none; `onChoose(element)` a click. */
  constructor({ onMark, onChoose = () => {} }) {
    this.#onMark = onMark;
    this.#onChoose = onChoose;
    this.element.className = "overlay";
  }

  /** Show these: [{number, label, hue, box}], with the box in shares of the picture's sides. */
  show(boxes) {
    while (this.#elements.length > boxes.length) this.#elements.pop().remove();
    while (this.#elements.length < boxes.length) this.#add();
    boxes.forEach((box, index) => place(this.#elements[index], box));
    this.element.classList.toggle("has-many", boxes.length >= MANY);
    this.mark(this.#marked);
  }

  /** Let the boxes of one place stand out; of none with null. */
  mark(number) {
    this.#marked = number;
    const isMarked = (element) => element.dataset.place === String(number);
    for (const element of this.#elements) element.classList.toggle("is-marked", isMarked(element));
    this.element.classList.toggle("has-marked", this.#elements.some(isMarked));
  }

  #add() {
    const element = fromTemplate("place-box");
    listen(element, () => Number(element.dataset.place), this.#onMark);
    element.addEventListener("click", () => this.#onChoose(element));
    this.#elements.push(element);
    this.element.append(element);
  }
}

/** Tell `onMark` when the visitor points at an element, focuses or touches it, and when not any more. */
export function listen(element, number, onMark) {
  const on = () => onMark(number());
  // A finger that is lifted leaves too, and not every browser focuses what was touched.
  const off = ({ pointerType }) => pointerType !== "mouse" || element.matches(":focus") || onMark(null);
  for (const kind of ["pointerenter", "focus", "click"]) element.addEventListener(kind, on);
  element.addEventListener("pointerleave", off);
  element.addEventListener("blur", () => onMark(null));
}

function place(element, { number, label, hue, box }) {
  const content = JSON.stringify([number, label, hue, box]);
  if (element.content === content) return;
  element.content = content;
  const [left, top, right, bottom] = box;
  element.dataset.place = number;
  element.dataset.hue = hue;
  Object.assign(element.style, {
    left: percent(left),
    top: percent(top),
    width: percent(right - left),
    height: percent(bottom - top),
    // A small box within a large one must be reached by the pointer.
    zIndex: String(Math.round(1000 * (1 - (right - left) * (bottom - top)))),
  });
  element.ariaLabel = say("place_on", { number, label });
  const tag = part(element, "tag");
  tag.dataset.number = number;
  const [noneAbove, noneBelow] = [top < 0.1, bottom > 0.9];
  tag.classList.toggle("is-below", noneAbove && !noneBelow);
  tag.classList.toggle("is-inside", noneAbove && noneBelow);
  tag.classList.toggle("is-at-end", left > 0.6);
  write(tag, label);
}

/** Let a button show the boxes, or hide them; in all replies, and from now on in this browser. */
export function makeSwitch(button) {
  button.dataset.switch = "boxes";
  button.ariaPressed = String(!document.body.classList.contains(OFF));
  button.addEventListener("click", () => switchAll(document.body.classList.contains(OFF)));
}

function switchAll(visible) {
  browser.set("boxes", visible);
  document.body.classList.toggle(OFF, !visible);
  for (const button of document.querySelectorAll("[data-switch=boxes]")) button.ariaPressed = String(visible);
}

switchAll(browser.get("boxes") ?? true);
