// LaTeX in Markdown: \( \) and $ $ in a line, \[ \] and $$ $$ displayed. The rules only mark the source;
// KaTeX draws it afterwards into the element, see lib/formulas.js.

const INLINE = "mathematics";
const DISPLAY = "mathematics mathematics-display";
const LONGEST = 5000; // characters of a formula in a line: a search for its end at each of many marks must end soon
const DELIMITERS = { "\\(": "\\)", "\\[": "\\]", $$: "$$" };

/** Teach a markdown-it parser the four delimiters. */
export function addMathematics(parser) {
  parser.inline.ruler.before("escape", "mathematics", inlineRule);
  parser.block.ruler.before("fence", "mathematics_block", blockRule, {
    alt: ["paragraph", "reference", "blockquote", "list"],
  });
  const escape = parser.utils.escapeHtml;
  parser.renderer.rules.mathematics = (tokens, index) => {
    const { content, meta } = tokens[index];
    return `<span class="${meta.display ? DISPLAY : INLINE}">${escape(content)}</span>`;
  };
  parser.renderer.rules.mathematics_block = (tokens, index) => {
    const { content, meta } = tokens[index];
    return `<p><span class="${DISPLAY}${meta.open ? " is-open" : ""}">${escape(content)}</span></p>`;
  };
}

function inlineRule(state, silent) {
  const { source, display, end } = formulaAt(state.src, state.pos);
  if (!end || end > state.posMax) return false;
  if (!silent) {
    const token = state.push("mathematics", "span", 0);
    token.content = source;
    token.meta = { display };
  }
  state.pos = end;
  return true;
}

/**
 * Look for a formula that opens at `start`: {source, display, end}. Without one {mayEnd}: whether what follows
 * the text may still make it one.
 */
export function formulaAt(text, start) {
  const open = text.slice(start, start + 2);
  if (open in DELIMITERS) return delimited(text, start, open);
  if (open === "\\" || open === "$") return { mayEnd: true };
  return open[0] === "$" ? betweenDollars(text, start) : { mayEnd: false };
}

function delimited(text, start, open) {
  const end = text.slice(start, start + LONGEST).indexOf(DELIMITERS[open], open.length) + start;
  if (end < start) return { mayEnd: text.length - start < LONGEST };
  const source = text.slice(start + open.length, end);
  return source.trim() ? { source, display: open !== "\\(", end: end + 2 } : { mayEnd: false };
}

/** `$x$` with Pandoc's rule (no space inside the dollars, no digit after them), and not `$5 … $`. */
function betweenDollars(text, start) {
  if (/\s/.test(text[start + 1]) || text[start - 1] === "$") return { mayEnd: false };
  for (let end = start + 1; end < text.length; end += 1) {
    if (text[end] === "\n" && text[end + 1] === "\n") return { mayEnd: false };
    if (text[end] === "\\") end += 1;
    else if (text[end] === "$") {
      const source = text.slice(start + 1, end);
      const no = /\s/.test(text[end - 1]) || /[\d$]/.test(text[end + 1] ?? "") || isProse(source);
      return no ? { mayEnd: false } : { source, display: false, end: end + 1 };
    }
  }
  return { mayEnd: !isProse(text.slice(start + 1)) };
}

/**
 * Is this the text between two prices, as in "$5 for one, 9$ for two", rather than a formula? Its beginning tells:
 * one word after a number, or two words, before there is any sign of LaTeX.
 */
function isProse(source) {
  const [plain] = /^[^\\^_={}]*/.exec(source);
  return /^\d[^]*[^\p{Letter}\p{Number}]\p{Letter}{2,}/u.test(plain) || /\p{Letter}{2,}\s+\p{Letter}{2,}/u.test(plain);
}

function blockRule(state, startLine, endLine, silent) {
  const start = state.bMarks[startLine] + state.tShift[startLine];
  if (state.sCount[startLine] - state.blkIndent >= 4) return false;
  const opens = ["$$", "\\["].find((mark) => state.src.startsWith(mark, start));
  if (!opens) return false;
  for (let line = startLine; line < endLine; line += 1) {
    const lineStart = line === startLine ? start + 2 : state.bMarks[line] + state.tShift[line];
    const rest = state.src.slice(lineStart, state.eMarks[line]);
    const at = rest.indexOf(DELIMITERS[opens]);
    if (at === -1) {
      if (line > startLine && !rest.trim()) return false;
      continue;
    }
    if (rest.slice(at + 2).trim()) return false;
    return silent || take(state, startLine, line, state.src.slice(start + 2, lineStart + at), false);
  }
  // While the text grows, its end may still come: else a line of it that begins with a minus would be a list.
  const source = state.src.slice(start + 2).replace(/[$\\]$/, "");
  return Boolean(state.env.open) && (silent || take(state, startLine, endLine - 1, source, true));
}

function take(state, startLine, line, source, open) {
  const token = state.push("mathematics_block", "p", 0);
  token.content = source;
  token.meta = { open };
  token.map = [startLine, line + 1];
  token.block = true;
  state.line = line + 1;
  return true;
}
