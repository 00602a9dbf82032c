// Text with Markdown on the page. What reads it is large and comes when it is wanted; until then the text stands as it is.
import { dataIn } from "../lib/dom.js";
import { inSlices, whenIdle } from "../lib/frames.js";
import { persistently } from "../lib/later.js";

// Lines that mean to Markdown what they say, such as most terms and descriptions: nothing has to come for them.
const WORDS = /^\p{L}[\p{L}\p{N} ,.;:!?'"()%“”‘’—–，。；：！？（）、-]*(?<! )$/u;

let reading = null; // components/reading.js, or what a page has in its place
let coming = null;
const waiting = new Set(); // texts that stand as they are

/** Let come what reads Markdown; it is tried until it is here. */
export function loadReading() {
  coming ??= persistently(() => import("./reading.js"), dataIn("bootstrap").reading).then(arrived);
  return coming;
}

function arrived(module) {
  readWith(module);
  for (const text of waiting) inSlices(() => text.draw());
  waiting.clear();
  whenIdle(reading.rehearse);
}

/** Read with this module, which has at least a MarkdownText, from now on. */
export function readWith(module) {
  reading = module;
}

export class RichText {
  #element;
  #places;
  #markdown = null; // what draws it, once that is here
  #text = "";
  #done = false;

  /** `places(reading)` gives what makes of the labels of boxes what they are in a reply (places.js); else they are text. */
  constructor(element, { places = () => null } = {}) {
    this.#element = element;
    this.#places = places;
  }

  /** Show `text`; with `done` nothing follows. */
  update(text, { done }) {
    this.#text = text;
    this.#done = done;
    if (reading) this.draw();
    else this.#showAsItIs();
  }

  /** Draw it as Markdown, after `loadReading()`. */
  draw() {
    if (!this.#markdown) {
      this.#element.replaceChildren();
      delete this.#element.dataset.unread;
      delete this.#element.dataset.whole;
      this.#markdown = new reading.MarkdownText(this.#element, { places: this.#places(reading) });
    }
    this.#markdown.update(this.#text, { done: this.#done });
  }

  #showAsItIs() {
    const isSure = this.#text === "" || (this.#done && this.#text.split("\n").every((line) => line === "" || WORDS.test(line)));
    const paragraphs = isSure ? this.#text.split(/\n{2,}/).filter(Boolean) : [this.#text];
    this.#element.replaceChildren(...paragraphs.map(paragraph));
    this.#element.toggleAttribute("data-whole", isSure && this.#done);
    this.#element.toggleAttribute("data-unread", !isSure);
    if (isSure) return;
    waiting.add(this);
    loadReading();
  }
}

function paragraph(words) {
  return Object.assign(document.createElement("p"), { textContent: words });
}
