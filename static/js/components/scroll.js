// Stays at the newest text unless the reader scrolled up; then a button leads back.
import { show } from "../lib/dom.js";

const NEAR = 60; // CSS pixels from the end that still count as the end
const ANCHORS = CSS.supports("overflow-anchor", "auto");

export class Scroll {
  #scroller = document.getElementById("scroller");
  #button = document.getElementById("to-end");
  #follows = true;
  #top = 0; // where we were

  constructor() {
    // On a phone the whole page scrolls, so that the browser's own bars get out of the way.
    for (const target of [this.#scroller, window]) {
      target.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    }
    this.#button.addEventListener("click", () => this.toEnd());
    // What comes above or below takes room away, too: a notice, a problem beside the box.
    const observer = new ResizeObserver(() => this.#keep());
    for (const element of [document.getElementById("log"), this.#scroller]) observer.observe(element);
  }

  /** Go to the newest text, and stay there. */
  toEnd() {
    this.#follows = true;
    this.#keep();
  }

  /** Go where an empty conversation begins. */
  toStart() {
    this.#area.scrollTop = 0;
    this.#follows = true;
  }

  /** Go to an element above the newest text. */
  show(element) {
    this.#follows = false;
    element.scrollIntoView({ block: "center" });
  }

  /** Do `work`, which may change what is above `element`, and leave the element where it is on screen. */
  hold(element, work) {
    const area = this.#area;
    // Browsers hold it better, also while a wheel or finger still scrolls; but not at the very top, and not all of them.
    if (this.#follows || (ANCHORS && area.scrollTop > 0)) return work();
    const before = element.getBoundingClientRect().top;
    work();
    area.scrollTop += element.getBoundingClientRect().top - before;
  }

  #keep() {
    const area = this.#area;
    const hasMessages = document.body.classList.contains("has-messages");
    if (this.#follows && hasMessages) area.scrollTop = area.scrollHeight;
    this.#scrolled();
  }

  get #area() {
    const own = getComputedStyle(this.#scroller).overflowY === "auto";
    return own ? this.#scroller : document.scrollingElement;
  }

  #scrolled() {
    const area = this.#area;
    const top = area.scrollTop;
    // Being far from the end can also mean that the text has just grown: only moving up is the reader's wish.
    if (area.scrollHeight - top - area.clientHeight < NEAR) this.#follows = true;
    else if (top < this.#top) this.#follows = false;
    this.#top = top;
    show(this.#button, !this.#follows && document.body.classList.contains("has-messages"));
  }
}
