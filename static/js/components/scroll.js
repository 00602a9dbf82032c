// Stays at the newest text unless the reader scrolled up; then a button leads back.
import { show } from "../lib/dom.js";

const NEAR = 60; // CSS pixels from the end that still count as the end

export class Scroll {
  #scroller = document.getElementById("scroller");
  #button = document.getElementById("to-end");
  #follows = true;

  constructor() {
    // On a phone the whole page scrolls, so that the browser's own bars get out of the way.
    for (const target of [this.#scroller, window]) {
      target.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    }
    this.#button.addEventListener("click", () => this.toEnd());
    new ResizeObserver(() => this.#keep()).observe(document.getElementById("log"));
  }

  /** Go to the newest text, and stay there. */
  toEnd() {
    this.#follows = true;
    this.#keep();
  }

  #keep() {
    const area = this.#area;
    if (this.#follows) area.scrollTop = area.scrollHeight;
    this.#scrolled();
  }

  get #area() {
    const own = getComputedStyle(this.#scroller).overflowY === "auto";
    return own ? this.#scroller : document.scrollingElement;
  }

  #scrolled() {
    const area = this.#area;
    this.#follows = area.scrollHeight - area.scrollTop - area.clientHeight < NEAR;
    show(this.#button, !this.#follows && document.body.classList.contains("has-messages"));
  }
}
