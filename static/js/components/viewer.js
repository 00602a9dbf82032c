// A picture that can be zoomed and moved in its frame: wheel, one finger or the mouse, two fingers, double click.
import { around, fitted, panned, WHOLE, zoomed } from "../lib/zoom.js";

const WHEEL = 0.0016; // of the zoom's logarithm for a CSS pixel of the wheel
const PINCH = 0.01; // the same where a touchpad tells of a pinch, in smaller steps
const DOUBLE = 2.5;
const SWIPE = 60; // CSS pixels that a finger moves to the side to turn the page

export class Viewer {
  #frame;
  #view;
  #picture = { width: 1, height: 1 };
  #at = WHOLE;
  #pointers = new Map(); // id → where it is, from the frame's middle
  #swiped = 0;
  #onChange;
  #onTurn;

  /** `frame` holds `view`, which holds the picture; `onChange(zoom)`; `onTurn(1 or -1)` after a swipe. */
  constructor(frame, view, { onChange, onTurn }) {
    this.#frame = frame;
    this.#view = view;
    this.#onChange = onChange;
    this.#onTurn = onTurn;
    frame.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    frame.addEventListener("dblclick", (event) => this.#double(event));
    frame.addEventListener("pointerdown", (event) => this.#down(event));
    frame.addEventListener("pointermove", (event) => this.#move(event));
    for (const kind of ["pointerup", "pointercancel", "pointerleave"]) frame.addEventListener(kind, (event) => this.#up(event));
    new ResizeObserver(() => this.pan(0, 0)).observe(frame);
  }

  /** Show another picture, whole, or around a box in shares of its sides. */
  show(picture, box = null) {
    this.#picture = picture;
    this.#set(box ? around(box, picture, this.#size) : WHOLE);
  }

  get isZoomed() {
    return this.#at.zoom > 1;
  }

  zoom(factor, point = { x: 0, y: 0 }) {
    this.#set(zoomed(this.#at, factor, point, this.#picture, this.#size));
  }

  pan(x, y) {
    this.#set(panned(this.#at, x, y, this.#picture, this.#size));
  }

  whole() {
    this.#set(WHOLE);
  }

  get #size() {
    return { width: this.#frame.clientWidth || 1, height: this.#frame.clientHeight || 1 };
  }

  #set(view) {
    this.#at = view;
    const { width, height } = fitted(this.#picture, this.#size);
    Object.assign(this.#view.style, {
      width: `${width * view.zoom}px`,
      height: `${height * view.zoom}px`,
      transform: `translate(-50%, -50%) translate(${view.x}px, ${view.y}px)`,
    });
    this.#frame.classList.toggle("is-zoomed", this.isZoomed);
    this.#onChange(view.zoom);
  }

  #point({ clientX, clientY }) {
    const { left, top, width, height } = this.#frame.getBoundingClientRect();
    return { x: clientX - left - width / 2, y: clientY - top - height / 2 };
  }

  #wheel(event) {
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 20 : 1);
    this.zoom(Math.exp(-pixels * (event.ctrlKey ? PINCH : WHEEL)), this.#point(event));
  }

  #double(event) {
    if (this.isZoomed) this.whole();
    else this.zoom(DOUBLE, this.#point(event));
  }

  #down(event) {
    if (event.button !== 0) return;
    this.#pointers.set(event.pointerId, this.#point(event));
    this.#swiped = 0;
  }

  #move(event) {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return;
    const now = this.#point(event);
    const other = [...this.#pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.#pointers.set(event.pointerId, now);
    if (other) {
      const middle = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
      this.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
      this.zoom(between(now, other) / Math.max(1, between(before, other)), middle);
      this.#swiped = NaN; // two fingers turn no page
    } else if (this.isZoomed) this.pan(now.x - before.x, now.y - before.y);
    else this.#swiped += now.x - before.x;
  }

  #up(event) {
    if (!this.#pointers.delete(event.pointerId)) return;
    if (event.type === "pointerup" && Math.abs(this.#swiped) > SWIPE) this.#onTurn(this.#swiped < 0 ? 1 : -1);
    if (!this.#pointers.size) this.#swiped = 0;
  }
}

const between = (one, other) => Math.hypot(one.x - other.x, one.y - other.y);
