// A growing Markdown text, cut into pieces that are done and one that is still open, so that the work for each
// piece of text does not depend on the length of the reply. A piece is a block (a paragraph, a heading), or of those
// that grow long a part: some items of a list, some rows of a table, some lines of code.
import { placesIn } from "./grounding_markdown.js";
import { blocksOf, grouped, htmlOf, languageOf, readAll } from "./markdown.js";

// A last line that may still become something else: "-" a list or a heading's underline, "1" an item, "```" code.
const MARKS = /^[ \t>]*(?:(?:[-+*]|\d{1,9}[.)])[ \t]+)*(?:[-+*=_`~#|:$\\ ]+|\d{1,9}[.)]?|`{3,}[^`]*|~{3,}.*)?$/;
const DEFINITION = /^ {0,3}\[(?!\^)[^\]]+\]:\s*\S*(?:\s+(?:["'(].*)?)?$/;
const END_OF_CODE = /^ {0,3}(?:`+|~+)\s*$/;

export class MarkdownStream {
  #start = 0; // UTF-16 offset where the open piece begins
  #head = ""; // what it must be read after: a table's first two lines, the line that opens code
  #joins = false; // whether it goes on a block that began before it
  #references = {}; // link definitions

  /** Whether a link definition came after blocks that may name it. */
  hasLateDefinitions = false;

  /**
   * Take the whole text so far; with `done` nothing follows. Gives the pieces from the one that was open on, of which
   * only the last can be open: {start, joins, open} with `html`, or for code `code`: {language, lines, rest}, where
   * `lines` go on those given before and `rest` is the beginning of one more.
   */
  advance(text, { done = false } = {}) {
    const rest = text.slice(this.#start);
    const source = this.#head + (done ? rest : this.#withoutMarks(rest));
    const env = { open: !done, references: this.#references };
    const known = Object.keys(this.#references).length;
    const blocks = blocksOf(source, env);
    if (this.#start > 0 && Object.keys(this.#references).length > known) this.hasLateDefinitions = true;

    const origin = this.#start - this.#head.length;
    const lines = startsOfLines(source);
    const pieces = [];
    for (const [index, tokens] of blocks.entries()) {
      const joins = index === 0 && this.#joins;
      const isOpen = !done && index === blocks.length - 1;
      const block = { tokens, joins, start: origin + lines[tokens[0].map[0]], source, lines };
      if (index > 0) this.#next(block.start);
      const places = tokens[0].type === "fence" && !joins ? placesIn(tokens[0]) : null;
      const holdsPlaces = places && (places.places.length > 0 || isOpen);
      if (tokens[0].type === "fence" && !holdsPlaces) pieces.push(this.#code(block, isOpen, origin));
      else if (isOpen) pieces.push(...this.#openPieces(block, origin).map((piece) => written(piece, env)));
      else pieces.push(written({ ...block, open: false }, env));
    }
    return pieces;
  }

  /** Read a block that was done again, with the link definitions that have come since: its HTML. */
  again(text) {
    return readAll(text, this.#references);
  }

  #next(start, head = "", joins = false) {
    this.#start = start;
    this.#head = head;
    this.#joins = joins;
  }

  #withoutMarks(text) {
    const at = text.lastIndexOf("\n") + 1;
    const line = text.slice(at);
    const isCode = /^ {0,3}[`~]/.test(this.#head);
    return (isCode ? END_OF_CODE : MARKS).test(line) || (!isCode && DEFINITION.test(line)) ? text.slice(0, at) : text;
  }

  /** Lines of code are done one by one. */
  #code({ tokens: [fence], joins, start, source, lines }, isOpen, origin) {
    const [first, after] = fence.map;
    const lastLine = source.slice(lines[after - 1], lines[after] ?? source.length);
    const isClosed = after - first > 1 && END_OF_CODE.test(lastLine) && lastLine.trim().startsWith(fence.markup);
    const end = fence.content.lastIndexOf("\n") + 1;
    const open = isOpen && !isClosed;
    const code = { language: languageOf(fence), lines: fence.content, rest: "" };
    if (open) Object.assign(code, { lines: fence.content.slice(0, end), rest: fence.content.slice(end) });
    if (open) this.#next(origin + source.length - code.rest.length, source.slice(lines[first], lines[first + 1]), true);
    else if (isOpen) this.#next(origin + source.length);
    return { start, joins, open, code };
  }

  /** Of the open block, what is done and what is open. */
  #openPieces({ tokens, joins, start, source, lines }, origin) {
    const whole = { tokens, joins, start, open: true };
    const isTable = tokens[0].type === "table_open";
    const body = isTable ? tokens.findIndex(({ type }) => type === "tbody_open") : 0;
    if (body === -1 || !/^(table|bullet_list|ordered_list)_open$/.test(tokens[0].type)) return [whole];
    const tail = isTable ? 2 : 1;
    const parts = grouped(tokens.slice(body + 1, -tail));
    if (parts.length < 2) return [whole];
    const last = parts.at(-1);
    const first = tokens[0].map[0];
    this.#next(origin + lines[last[0].map[0]], isTable ? source.slice(lines[first], lines[first + 2]) : "", true);
    const around = (some) => [...tokens.slice(0, body + 1), ...some.flat(), ...tokens.slice(-tail)];
    return [
      { ...whole, tokens: around(parts.slice(0, -1)), open: false },
      { ...whole, tokens: around([last]), joins: true },
    ];
  }
}

function written({ tokens, joins, start, open }, env) {
  return { start, joins, open, html: htmlOf(tokens, env) };
}

function startsOfLines(text) {
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}
