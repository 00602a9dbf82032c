// LaTeX in Markdown: \( \) and $ $ in a line, \[ \] and $$ $$ displayed. The rules only mark the source;
// KaTeX draws it afterwards into the element, see components/rich_text.js.

const INLINE = "mathematics";
const DISPLAY = "mathematics mathematics-display";

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
  parser.renderer.rules.mathematics_block = (tokens, index) =>
    `<p><span class="${DISPLAY}">${escape(tokens[index].content)}</span></p>\n`;
}

function inlineRule(state, silent) {
  const found = mathematicsAt(state.src, state.pos, state.posMax);
  if (!found) return false;
  if (!silent) {
    const token = state.push("mathematics", "span", 0);
    token.content = found.source;
    token.meta = { display: found.display };
  }
  state.pos = found.end;
  return true;
}

/** Find a formula that opens at `start`: {source, display, end}, or null. */
export function mathematicsAt(text, start, limit = text.length) {
  if (text.startsWith("\\(", start)) return delimited(text, start, "\\(", "\\)", false, limit);
  if (text.startsWith("\\[", start)) return delimited(text, start, "\\[", "\\]", true, limit);
  if (text.startsWith("$$", start)) return delimited(text, start, "$$", "$$", true, limit);
  if (text[start] === "$") return betweenDollars(text, start, limit);
  return null;
}

function delimited(text, start, open, close, display, limit) {
  const end = text.indexOf(close, start + open.length);
  if (end === -1 || end + close.length > limit) return null;
  const source = text.slice(start + open.length, end);
  return source.trim() ? { source, display, end: end + close.length } : null;
}

/** `$x$` with Pandoc's rule (no space inside the dollars, no digit after them), and not `$5 … $`. */
function betweenDollars(text, start, limit) {
  if (/[\s$]/.test(text[start + 1] ?? " ") || text[start - 1] === "$") return null;
  for (let end = start + 1; end < limit; end += 1) {
    if (text[end] === "\n" && text[end + 1] === "\n") return null;
    if (text[end] === "\\") end += 1;
    else if (text[end] === "$") {
      if (/\s/.test(text[end - 1]) || /[\d$]/.test(text[end + 1] ?? "")) return null;
      const source = text.slice(start + 1, end);
      return isPrice(source) ? null : { source, display: false, end: end + 1 };
    }
  }
  return null;
}

/** Is this the text between two prices, as in "$5 for one, 9$ for two", rather than a formula? */
function isPrice(source) {
  return /^\d/.test(source) && /\p{Letter}{2,}/u.test(source) && !/[\\^_={}]/.test(source);
}

function blockRule(state, startLine, endLine, silent) {
  const start = state.bMarks[startLine] + state.tShift[startLine];
  if (state.sCount[startLine] - state.blkIndent >= 4) return false;
  const opens = ["$$", "\\["].find((mark) => state.src.startsWith(mark, start));
  if (!opens) return false;
  const closes = opens === "$$" ? "$$" : "\\]";
  for (let line = startLine; line < endLine; line += 1) {
    const lineStart = line === startLine ? start + 2 : state.bMarks[line] + state.tShift[line];
    const rest = state.src.slice(lineStart, state.eMarks[line]);
    const at = rest.indexOf(closes);
    if (at === -1) {
      if (line > startLine && !rest.trim()) return false;
      continue;
    }
    if (rest.slice(at + 2).trim()) return false;
    if (silent) return true;
    const token = state.push("mathematics_block", "p", 0);
    token.content = state.src.slice(start + 2, lineStart + at);
    token.map = [startLine, line + 1];
    token.block = true;
    state.line = line + 1;
    return true;
  }
  return false;
}
