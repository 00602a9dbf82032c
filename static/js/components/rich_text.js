// Markdown on the page, also while it grows: only the open block is drawn again.
import { fromTemplate, part } from "../lib/dom.js";
import { drawMathematics, highlight } from "../lib/extras.js";
import { safeFragment } from "../lib/sanitise.js";
import { MarkdownStream } from "../lib/stream.js";
import { say } from "../lib/words.js";

export class RichText {
  #element;
  #stream = new MarkdownStream();
  #shown = "";
  #done = false;
  #open = []; // nodes of the open block

  constructor(element) {
    this.#element = element;
  }

  /** Show `text`; what does not continue the text shown before is drawn from the start. */
  update(text, { done }) {
    if (text === this.#shown && done === this.#done) return;
    if (this.#done || !text.startsWith(this.#shown)) this.#restart();
    let { closed, open } = this.#stream.advance(text, { done });
    if (done && this.#stream.needsSecondReading) {
      this.#restart();
      ({ closed, open } = new MarkdownStream().advance(text, { done }));
    }
    for (const node of this.#open) node.remove();
    for (const html of closed) this.#element.append(prepared(html, { final: true }));
    this.#open = [];
    if (open) {
      const fragment = prepared(open, { final: false });
      this.#open = [...fragment.childNodes];
      this.#element.append(fragment);
    }
    this.#shown = text;
    this.#done = done;
  }

  #restart() {
    this.#stream = new MarkdownStream();
    this.#open = [];
    this.#element.replaceChildren();
  }
}

/** Sanitise a block and give it what Markdown has no words for: scrolling, copying, colours, formulas. */
function prepared(html, { final }) {
  const fragment = safeFragment(html);
  for (const table of fragment.querySelectorAll("table")) {
    const frame = fromTemplate("table-frame");
    table.replaceWith(frame);
    frame.append(table);
  }
  for (const pre of fragment.querySelectorAll("pre")) frameCode(pre, final);
  const formulas = [...fragment.querySelectorAll(".mathematics")];
  if (formulas.length) drawMathematics(formulas).catch(() => {});
  return fragment;
}

function frameCode(pre, final) {
  const code = pre.querySelector("code") ?? pre;
  const frame = fromTemplate("code-frame");
  const language = /language-(\S+)/.exec(code.className)?.[1] ?? "";
  part(frame, "language").textContent = language;
  pre.replaceWith(frame);
  pre.tabIndex = 0;
  frame.append(pre);
  const button = part(frame, "copy");
  button.addEventListener("click", async () => {
    await copyText(code.textContent);
    button.textContent = say("copied");
    setTimeout(() => (button.textContent = say("copy_code")), 2000);
  });
  // Without its colours code is as readable; a network that fails just then is no reason to complain.
  if (final) highlight(code).catch(() => {});
}

/** Put text on the clipboard; also over plain HTTP, where the clipboard's API does not exist. */
export async function copyText(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "visually-hidden";
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}
