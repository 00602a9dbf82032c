// A growing Markdown text, cut into blocks that are done and one that is still open, so that the work for
// each piece of text depends on the open block and not on the length of the reply.
import { blocksOf } from "./markdown.js";

// A last line that may still become something else: "-" a list or a heading's underline, "1" a list item.
const AMBIGUOUS = /(^|\n)[ ]{0,3}(?:[-+*=_`~#|:$\\ ]+|\d{1,9}[.)]?)$/;

export class MarkdownStream {
  #openStart = 0; // UTF-16 offset of the open block
  #hasDefinitions = false;

  /**
   * Take the whole text so far. Gives {closed, open}: the HTML of blocks that closed since the last call and
   * of the one still open. `done`: nothing follows.
   */
  advance(text, { done = false } = {}) {
    const rest = text.slice(this.#openStart);
    const environment = {};
    const blocks = blocksOf(done ? rest : rest.replace(AMBIGUOUS, "$1"), environment);
    this.#hasDefinitions ||= Object.keys(environment.references ?? {}).length > 0;
    if (done) return { closed: blocks.map(({ html }) => html), open: "" };
    if (blocks.length > 1) this.#openStart += blocks.at(-1).start;
    return { closed: blocks.slice(0, -1).map(({ html }) => html), open: blocks.at(-1)?.html ?? "" };
  }

  /** Link definitions may serve blocks that closed without them: such a text is read once more at its end. */
  get needsSecondReading() {
    return this.#hasDefinitions;
  }
}
