// Markdown as it is drawn, also while it grows: only the open piece of it is drawn again.
import { inSlices } from "../lib/frames.js";
import { MarkdownStream } from "../lib/stream.js";
import { Block } from "./block.js";

// Characters that are read at once: a text that comes whole must not hold up the page, nor one that comes quickly.
const STEP = { whole: 2000, growing: 400 };
const LONG = 12; // milliseconds; what takes longer
const REST = 5; // is done in one of so many

// A little of everything, but of what loads something.
const SAMPLE = "# A\n\n**b** *c* `d` [e](https://example.org)\n\n1. f\n2. g\n\n| h | i |\n|---|---|\n| j | k |\n\n```\nl\n```\n\n> m";

/** Draw where nobody sees it: so the browser has compiled what draws before the first reply grows. */
export function rehearse() {
  const shown = new MarkdownText(document.createElement("div"));
  for (const end of [SAMPLE.length - 1, SAMPLE.length]) shown.update(SAMPLE.slice(0, end), { done: false });
}

export class MarkdownText {
  #element;
  #stream = new MarkdownStream();
  #text = "";
  #done = false;
  #read = 0; // how much of the text is drawn
  #isDrawn = false; // up to its end, and as such
  #block = null; // the last one, which may still grow
  #isOpen = false; // whether its last piece was
  #mentionLinks = new Set(); // blocks that a link definition may still change
  #waits = false;
  #restUntil = 0;
  #places;

  /** `places` (components/places.js) makes of the labels of boxes what they are in a reply; else they are text. */
  constructor(element, { places = null } = {}) {
    this.#element = element;
    this.#places = places;
  }

  /** Show `text`; what does not continue the text shown before is drawn from the start. */
  update(text, { done }) {
    if (text === this.#text && done === this.#done) return;
    if (this.#isDrawn || !text.startsWith(this.#text)) this.#restart();
    this.#text = text;
    this.#done = done;
    if (this.#waits) return;
    // An open piece may be long, such as a paragraph of ten pages: then it is drawn less often.
    if (done || performance.now() >= this.#restUntil) this.#draw();
    else this.#wait(() => setTimeout(() => this.#draw(), this.#restUntil - performance.now()));
  }

  #restart() {
    this.#stream = new MarkdownStream();
    this.#read = 0;
    this.#isDrawn = this.#isOpen = false;
    this.#block = null;
    this.#mentionLinks.clear();
    this.#element.replaceChildren();
    delete this.#element.dataset.whole;
  }

  #draw() {
    const began = performance.now();
    this.#waits = false;
    this.#read = Math.min(this.#read + (this.#done ? STEP.whole : STEP.growing), this.#text.length);
    const isEnd = this.#read === this.#text.length;
    this.#element.toggleAttribute("data-behind", !isEnd);
    const text = isEnd ? this.#text : this.#text.slice(0, this.#read);
    const pieces = this.#stream.advance(text, { done: isEnd && this.#done });
    if (!pieces.length && this.#isOpen) this.#block.hide();
    pieces.forEach((piece, index) => this.#show(piece, index === 0));
    this.#places?.draw();
    const took = performance.now() - began;
    if (took > LONG) this.#restUntil = began + REST * took;
    if (!isEnd) this.#wait(() => inSlices(() => this.#draw()));
    else if (this.#done) this.#end();
  }

  #wait(until) {
    this.#waits = true;
    until();
  }

  #show(piece, isFirst) {
    if (!piece.joins && !(isFirst && this.#isOpen)) {
      if (this.#block) this.#block.end = piece.start;
      this.#block = new Block(this.#element, piece.start, this.#places);
    }
    this.#block.show(piece);
    this.#isOpen = piece.open;
    if (!piece.open && piece.html?.includes("]")) this.#mentionLinks.add(this.#block);
  }

  #end() {
    this.#isDrawn = true;
    this.#element.dataset.whole = "true"; // whoever waits for its end need not know how it is drawn
    if (!this.#stream.hasLateDefinitions) return;
    const [stream, text] = [this.#stream, this.#text];
    for (const block of this.#mentionLinks) {
      inSlices(() => block.mend(stream.again(text.slice(block.start, block.end))));
    }
  }
}
