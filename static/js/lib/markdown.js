// How model output is read as Markdown: no HTML, tables aligned by classes, images as links, mathematics.
// What is written depends on nothing that comes later, so that a growing text only ever adds to its end.
import "../../vendor/markdown-it/markdown-it.js";
import { addGrounding } from "./grounding_markdown.js";
import { addMathematics } from "./mathematics.js";
import { addUnfinished } from "./unfinished.js";

const parser = globalThis.markdownit({ html: false, linkify: true, breaks: false });
parser.linkify.set({ fuzzyLink: false, fuzzyEmail: false });
addMathematics(parser);
addUnfinished(parser);
const escape = parser.utils.escapeHtml;

// A list is loose when any of its items is: then an item that comes would change those before it. All are loose here.
parser.core.ruler.after("block", "loose_lists", ({ tokens }) => {
  for (const token of tokens) if (token.type.startsWith("paragraph")) token.hidden = false;
});

// Footnotes stay text: "[^1]: word" is no definition of a link.
const readDefinition = parser.block.ruler.__rules__.find(({ name }) => name === "reference").fn;
parser.block.ruler.at("reference", (state, line, ...rest) => {
  return !state.src.startsWith("[^", state.bMarks[line] + state.tShift[line]) && readDefinition(state, line, ...rest);
});

// "5*3 and 6*2" is arithmetic.
parser.inline.ruler.before("emphasis", "product", (state, silent) => {
  if (!/[\d)]/.test(state.src[state.pos - 1] ?? "")) return false;
  const [stars] = /^\*{1,2}(?=[\d(])|/.exec(state.src.slice(state.pos, state.pos + 3));
  if (!silent) state.pending += stars;
  state.pos += stars.length;
  return stars !== "";
});

// As the parser's own, but without line breaks between the elements.
parser.renderer.renderToken = function (tokens, index) {
  const { nesting, tag, hidden } = tokens[index];
  if (hidden) return "";
  return nesting === -1 ? `</${tag}>` : `<${tag}${this.renderAttrs(tokens[index])}>`;
};

const alignments = { "text-align:left": "left", "text-align:center": "center", "text-align:right": "right" };

// The security policy forbids inline styles, which the parser writes for aligned table cells.
function cell(tokens, index, options, env, self) {
  const token = tokens[index];
  const alignment = alignments[token.attrGet("style")];
  token.attrs = alignment ? [["class", `align-${alignment}`]] : null;
  return self.renderToken(tokens, index, options);
}

// A picture from another host would tell that host who reads what; a link leaves the choice to the reader.
function picture(tokens, index, options, env, self) {
  const address = tokens[index].attrGet("src");
  const label = self.renderInlineAsText(tokens[index].children, options, env) || address;
  return `<a href="${escape(address)}" class="image-link">${escape(label)}</a>`;
}

Object.assign(parser.renderer.rules, {
  th_open: cell,
  td_open: cell,
  image: picture,
  fence: (tokens, index) => code(tokens[index].content, languageOf(tokens[index])),
  code_block: (tokens, index) => code(tokens[index].content, ""),
  // One heading level inside a reply: its place in the page's outline must not depend on what a model writes.
  heading_open: (tokens, index) => `<h3 class="level-${tokens[index].tag.slice(1)}">`,
  heading_close: () => "</h3>",
});
addGrounding(parser);

function code(text, language) {
  return `<pre><code${language && ` class="language-${escape(language)}"`}>${escape(text)}</code></pre>`;
}

/** The language that a block of code names, or "". */
export function languageOf(fence) {
  return parser.utils.unescapeAll(fence.info).trim().split(/\s/)[0];
}

/**
 * Read `text` as top-level blocks, each a list of tokens. `env.references` holds the link definitions known, and takes
 * those found; with `env.open` more text follows.
 */
export function blocksOf(text, env) {
  return grouped(parser.parse(text, env));
}

/** Write tokens as HTML. */
export function htmlOf(tokens, env) {
  return parser.renderer.render(tokens, parser.options, env);
}

/** Write a whole text as HTML, with link definitions that are known already. */
export function readAll(text, references = {}) {
  return parser.render(text, { references });
}

/** Cut `tokens` into elements: each from its opening token to its closing one. */
export function grouped(tokens) {
  const groups = [];
  for (let first = 0, last = 0; first < tokens.length; first = last + 1) {
    last = first;
    if (tokens[first].nesting === 1) {
      while (!(tokens[last].nesting === -1 && tokens[last].level === tokens[first].level)) last += 1;
    }
    groups.push(tokens.slice(first, last + 1));
  }
  return groups;
}
