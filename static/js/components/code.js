// A block of code: its language, a button that copies it, and its colours, line by line as it comes.
import { copyText } from "../lib/clipboard.js";
import { fromTemplate, part } from "../lib/dom.js";
import { inSlices } from "../lib/frames.js";
import { say } from "../lib/words.js";

const PIECE = 600; // characters that are coloured at once, about: more would hold up the page
const LONGEST = 6000; // of a comment or string that does not end; then it stays plain

let highlighting = null; // comes with the first code
async function loadColours(language) {
  highlighting = await import("../lib/highlighting.js");
  await highlighting.loadColours(language);
}

export class Code {
  element = fromTemplate("code-frame");
  #language;
  #code = document.createElement("code");
  #plain = new Text(); // whole lines that have no colours yet
  #rest = new Text(); // the line that still grows
  #text = "";
  #final = false;
  #tried = 0; // so much could not be coloured by itself

  constructor(language) {
    this.#language = language;
    part(this.element, "language").textContent = language;
    this.#code.append(this.#plain, this.#rest);
    part(this.element, "pre").append(this.#code);
    const button = part(this.element, "copy");
    button.addEventListener("click", async () => {
      await copyText(this.#code.textContent);
      button.textContent = say("copied");
      setTimeout(() => (button.textContent = say("copy_code")), 2000);
    });
  }

  /** Add whole `lines`, and show `rest` after them; with `final` nothing follows. */
  add(lines, rest, final) {
    this.#text += lines;
    if (lines) this.#plain.appendData(lines);
    if (rest !== this.#rest.data) this.#rest.data = rest;
    this.#final = final;
    this.#colour();
  }

  /** Show `text`, if it goes on what is shown; tells whether it does. */
  update(text, final) {
    if (!text.startsWith(this.#text)) return false;
    const end = text.lastIndexOf("\n") + 1;
    this.add(text.slice(this.#text.length, end), text.slice(end), final);
    return true;
  }

  #colour() {
    const text = this.#plain.data;
    if (!this.#language || text.length < (this.#final ? 1 : this.#tried + PIECE)) return;
    const end = text.indexOf("\n", this.#tried + PIECE) + 1 || text.length;
    const colours = highlighting?.coloursOf(text.slice(0, end), this.#language);
    // Without its colours code is as readable; a network that fails just then is no reason to complain.
    if (colours === undefined) return void loadColours(this.#language).then(() => inSlices(() => this.#colour()), () => {});
    if (!colours) return;
    const isLast = this.#final && end === text.length;
    if (colours.isWhole || isLast || end > LONGEST) {
      this.#plain.before(colours.fragment);
      this.#plain.deleteData(0, end);
      this.#tried = 0;
    } else this.#tried = end;
    if (end < text.length) inSlices(() => this.#colour());
  }
}
