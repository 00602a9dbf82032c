// Boxes by mouse or finger: drawn by dragging, or by a click on each of two opposite corners; moved and resized.
import { between, grown, isLargeEnough, moved } from "../lib/boxes.js";
import { part } from "../lib/dom.js";

const GRASP = 22; // CSS pixels from a box's lower right corner in which it is grasped to be resized
const DRAG = 6; // CSS pixels that a pointer moves before it drags rather than clicks

export class BoxPointer {
  #stage;
  #editor;
  #corner = null; // the one that was clicked, until its opposite is

  /**
   * `editor`: size() of the picture, isFull(), and of boxes add(values), change(element, values), remove(element);
   * onCorner() hears that the opposite corner is waited for.
   */
  constructor(stage, editor) {
    this.#stage = stage;
    this.#editor = editor;
    stage.addEventListener("pointerdown", (event) => this.#grasp(event));
  }

  /** Wait for no corner any more. */
  forget() {
    this.#corner?.element.remove();
    this.#corner = null;
  }

  #grasp(event) {
    if (event.button !== 0 || event.target.closest('[data-part="remove"]')) return;
    event.preventDefault();
    const mark = this.#corner ? null : event.target.closest(".mark");
    if (mark) this.#pull(mark, event);
    else if (!this.#editor.isFull()) this.#draw(event);
  }

  /** Move a box, or pull its corner, until the pointer is let go. */
  #pull(mark, event) {
    part(mark, "grip").focus();
    const { right, bottom } = mark.getBoundingClientRect();
    const how = right - event.clientX < GRASP && bottom - event.clientY < GRASP ? grown : moved;
    const [before, start] = [{ ...mark.box }, this.#point(event)];
    const change = ({ x, y }) => this.#editor.change(mark, how(before, x - start.x, y - start.y, this.#size));
    this.#follow(event, change, () => {});
  }

  #draw(event) {
    const start = this.#point(event);
    const corner = this.#corner?.point;
    this.forget();
    const mark = this.#editor.add(between(corner ?? start, start, this.#size));
    const change = (to) => this.#editor.change(mark, between(start, to, this.#size));
    this.#follow(event, change, (dragged) => {
      if (!dragged && corner) this.#editor.change(mark, between(corner, start, this.#size));
      if ((dragged || corner) && isLargeEnough(mark.box, this.#size)) return;
      this.#editor.remove(mark);
      if (!dragged && !corner) this.#wait(start);
    });
  }

  #wait(point) {
    const element = document.createElement("span");
    element.className = "corner";
    element.style.left = `${(point.x / this.#size.width) * 100}%`;
    element.style.top = `${(point.y / this.#size.height) * 100}%`;
    this.#stage.append(element);
    this.#corner = { point, element };
    this.#editor.onCorner();
  }

  /** Call `change(place)` with each move, and at last `onEnd`, which hears whether it was more than a click. */
  #follow({ pointerId, clientX, clientY }, change, onEnd) {
    let dragged = false;
    const move = (event) => {
      if (event.pointerId !== pointerId) return;
      dragged ||= Math.hypot(event.clientX - clientX, event.clientY - clientY) >= DRAG;
      if (dragged) change(this.#point(event));
    };
    const end = (event) => {
      if (event.pointerId !== pointerId) return;
      this.#stage.removeEventListener("pointermove", move);
      this.#stage.removeEventListener("pointerup", end);
      this.#stage.removeEventListener("pointercancel", end);
      onEnd(dragged);
    };
    this.#stage.setPointerCapture(pointerId);
    this.#stage.addEventListener("pointermove", move);
    this.#stage.addEventListener("pointerup", end);
    this.#stage.addEventListener("pointercancel", end);
  }

  get #size() {
    return this.#editor.size();
  }

  /** Where on the image a pointer is, in its pixels. */
  #point({ clientX, clientY }) {
    const { left, top, width, height } = this.#stage.querySelector("img").getBoundingClientRect();
    return { x: ((clientX - left) / width) * this.#size.width, y: ((clientY - top) / height) * this.#size.height };
  }
}
