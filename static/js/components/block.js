// One block of Markdown on the page: a paragraph, a list, a table, code. Parts of it that are done are not touched again.
import { fromTemplate } from "../lib/dom.js";
import { drawFormula } from "../lib/formulas.js";
import { asText, MARK, markedPlace } from "../lib/grounding_markdown.js";
import { morph, replace } from "../lib/morph.js";
import { safeFragment } from "../lib/sanitise.js";
import { Code } from "./code.js";

export class Block {
  start; // where it begins in the text
  end; // and where it ends, if another one follows
  #parent;
  #before; // the node before it
  #done = null; // the last of its parts that are done
  #open = null; // the HTML of the open piece, as it is shown
  #code = null;
  #places;

  /** Begin a block at the end of `parent`; `places`, see MarkdownText. */
  constructor(parent, start, places) {
    this.start = start;
    this.#places = places;
    this.#parent = parent;
    if (parent.lastChild) parent.append("\n"); // also between words that only programs read
    this.#before = parent.lastChild;
  }

  /** Show a piece of it, see lib/stream.js, in the place of the one that was open. */
  show({ joins, open, html, code }) {
    if (code) return this.#showCode(code, open);
    const before = this.#open;
    this.#open = open ? html : null;
    if (open && html === before) return;
    const added = open && before && addedText(before, html);
    if (added) return addText(this.#root, added);
    const nodes = [...safeFragment(html).childNodes];
    if (joins) morph(this.#parts, this.#done, partsOf(nodes[0]), new Dress(open, this.#places));
    else this.#draw(nodes, open);
    if (!open) this.#done = this.#parts.lastChild;
  }

  /** Show nothing of the piece that is open. */
  hide() {
    this.#open = null;
    if (this.#done) morph(this.#parts, this.#done, []);
    else this.#draw([]);
  }

  /** Become what the same text means now. */
  mend(html) {
    replace(this.#root, safeFragment(html).firstChild, new Dress(false, this.#places));
  }

  #draw(nodes, open) {
    morph(this.#parent, this.#before, nodes, new Dress(open, this.#places));
  }

  #showCode({ language, lines, rest }, open) {
    if (!this.#code) {
      this.#draw([]);
      this.#code = new Code(language);
      this.#parent.append(this.#code.element);
    }
    this.#code.add(lines, rest, !open);
  }

  get #root() {
    return this.#before ? this.#before.nextSibling : this.#parent.firstChild;
  }

  /** The element whose children its parts are. */
  get #parts() {
    return this.#root.matches(".table-frame") ? this.#root.querySelector("tbody") : this.#root;
  }
}

// Of elements that hold just what their HTML says; code and formulas do not.
const ENDS = /(?:<\/(?!pre|span)\w+>)+$/;

/** The text by which HTML has grown at its end, with all elements as they were; null where more has changed. */
function addedText(before, after) {
  const end = ENDS.exec(before)?.index ?? 0;
  const isText = end > 0 && before[end - 1] !== ">" && after.length > before.length;
  if (!isText || !after.startsWith(before.slice(0, end)) || !after.endsWith(before.slice(end))) return null;
  const added = after.slice(end, end + after.length - before.length);
  return /[<>&]/.test(added) ? null : added;
}

/** Most of what comes are words at the end of a text, which need not be read as HTML. */
function addText(node, text) {
  while (node.lastChild) node = node.lastChild;
  node.appendData(text);
}

function partsOf(block) {
  return [...(block.matches("table") ? block.tBodies[0].rows : block.children)];
}

/** What Markdown has no words for: scrolling, copying, colours, formulas. See lib/morph.js. */
class Dress {
  selector = `pre, table, .mathematics:not(.is-open), ${MARK}`;

  constructor(open, places) {
    this.open = open;
    this.places = places;
  }

  make(element) {
    if (element.matches(MARK)) return this.places?.slotFor(element) ?? plain(element);
    if (element.matches("pre")) return framedCode(element, this);
    return element.matches("table") ? framedTable(element) : drawnFormula(element);
  }
}

function plain(mark) {
  return { element: new Text(asText(markedPlace(mark))), update: () => false };
}

function framedCode(pre, { open }) {
  const languageOf = (element) => /language-(\S+)/.exec(element.firstElementChild.className)?.[1] ?? "";
  const language = languageOf(pre);
  const code = new Code(language);
  code.update(pre.textContent, !open);
  const update = (node, { open }) =>
    node.matches("pre") && languageOf(node) === language && code.update(node.textContent, !open);
  return { element: code.element, update };
}

function framedTable(table) {
  const frame = fromTemplate("table-frame");
  frame.append(table);
  const update = (node, dress) => node.matches("table") && (morph(table, null, [...node.childNodes], dress), true);
  return { element: frame, update };
}

function drawnFormula(element) {
  const { textContent: source, className: style } = element;
  drawFormula(element);
  return { element, update: (node) => node.textContent === source && node.className === style };
}
