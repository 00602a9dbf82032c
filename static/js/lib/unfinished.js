// What is shown of a text that still grows: of a construct whose end has not come, either as much as is known
// (bold text is bold from its first letter) or nothing yet, but never marks that vanish again.
import { placesAt, settled } from "./grounding.js";
import { formulaAt } from "./mathematics.js";

const LONGEST = { label: 200, address: 2000, formula: 1000 }; // characters that may be held back

/** Teach a markdown-it parser to read the last line of an open text (`env.open`) so. */
export function addUnfinished(parser) {
  parser.core.ruler.after("block", "unfinished", ({ env, tokens }) => {
    if (!env.open) return;
    // A row that grows has empty cells after the one that does.
    const isEmptyCell = ({ type, content }, index) => type === "td_open" || (!content && tokens[index - 1]?.type === "td_open");
    const last = tokens.findLast((token, index) => token.nesting !== -1 && !isEmptyCell(token, index));
    if (last?.type !== "inline") return;
    last.content = known(settled(last.content));
    env.openTokens = last.children;
    const paragraph = tokens.at(-1);
    if (!last.content && paragraph.level === 0) tokens.splice(tokens.indexOf(last) - 1, 3);
  });
  parser.inline.ruler2.after("balance_pairs", "unfinished", (state) => {
    if (state.env.open && state.tokens === state.env.openTokens) closeEmphasis(state);
  });
}

/** Close what emphasises and has no end yet at the end of the text. */
function closeEmphasis(state) {
  const { delimiters } = state;
  const open = [];
  let inside = -1; // up to here a pair that is closed goes
  delimiters.forEach((delimiter, index) => {
    if (delimiter.end === -1 && delimiter.open && index > inside) open.push(index);
    inside = Math.max(inside, delimiter.end);
  });
  for (const index of open.reverse()) {
    state.push("text", "", 0);
    const closing = { ...delimiters[index], token: state.tokens.length - 1, open: false, close: true };
    delimiters[index].end = delimiters.push(closing) - 1;
    delimiters[index].close = false;
  }
}

/** Give what can be shown of a paragraph, heading or cell that goes on. */
export function known(text) {
  const table = /(?:^|\n)\|[^\n]*(?:\n[|:\- ]*)?$/.exec(text);
  if (table) return text.slice(0, table.index);
  let at = 0;
  while (at < text.length) {
    const end = endOf(text, at);
    if (end === "code") return text + /^`+/.exec(text.slice(at))[0];
    if (end === null) break;
    at = end;
  }
  // What stands last may begin something: it is clear with the next character.
  return text.slice(0, at).replace(/(?:[*_~\\!]+|&#?\w{0,31})$/, "");
}

/** Where what begins at `at` ends; null while that is not known. */
function endOf(text, at) {
  const rest = text.length - at;
  const places = "<{[".includes(text[at]) ? placesAt(text, at) : null;
  if (places?.end) return places.end;
  switch (text[at]) {
    case "\\":
    case "$":
      return formulaEnd(text, at, rest);
    case "`": {
      const [run] = /^`+/.exec(text.slice(at));
      const close = new RegExp(`(?<!\`)${run}(?!\`)`, "g");
      close.lastIndex = at + run.length;
      if (rest === run.length) return null;
      return close.test(text) ? close.lastIndex : "code";
    }
    case "[":
      return linkEnd(text, at);
    case "<":
      return /^<(?:[A-Za-z/][^<>\s]*)?$/.test(text.slice(at)) ? null : at + 1;
    default:
      return at + 1;
  }
}

function formulaEnd(text, at, rest) {
  const formula = formulaAt(text, at);
  if (formula.end) return formula.end;
  if (formula.mayEnd && rest < LONGEST.formula) return null;
  return at + (text[at] === "\\" ? 2 : 1);
}

function linkEnd(text, at) {
  const label = closing(text, at, "[", "]", LONGEST.label);
  if (label === -1) return text.length - at < LONGEST.label ? null : at + 1;
  const next = text[label + 1];
  if (next === undefined) return null;
  if (next !== "(" && next !== "[") return at + 1;
  const end = closing(text, label + 1, next, next === "(" ? ")" : "]", LONGEST.address);
  if (end !== -1) return end + 1;
  return text.length - label < LONGEST.address && !/\n\s*\n/.test(text.slice(label)) ? null : at + 1;
}

/** Where the bracket at `start` is closed, or -1 if it is not within so many characters. */
function closing(text, start, open, close, most) {
  let depth = 0;
  for (let at = start; at < Math.min(text.length, start + most); at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === open) depth += 1;
    else if (text[at] === close && --depth === 0) return at;
  }
  return -1;
}
