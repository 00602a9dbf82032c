// How model output is read as Markdown: no HTML, tables aligned by classes, images as links, mathematics.
import MarkdownIt from "../../vendor/markdown-it/markdown-it.js";
import { addMathematics } from "./mathematics.js";

const parser = new MarkdownIt({ html: false, linkify: true, breaks: false });
parser.linkify.set({ fuzzyLink: false, fuzzyEmail: false });
addMathematics(parser);

const alignments = { "text-align:left": "left", "text-align:center": "center", "text-align:right": "right" };

// The security policy forbids inline styles, which the parser writes for aligned table cells.
function cell(tokens, index, options, env, self) {
  const token = tokens[index];
  const alignment = alignments[token.attrGet("style")];
  token.attrs = alignment ? [["class", `align-${alignment}`]] : null;
  return self.renderToken(tokens, index, options);
}
parser.renderer.rules.th_open = cell;
parser.renderer.rules.td_open = cell;

// A picture from another host would tell that host who reads what; a link leaves the choice to the reader.
parser.renderer.rules.image = (tokens, index, options, env, self) => {
  const escape = parser.utils.escapeHtml;
  const address = tokens[index].attrGet("src");
  const label = self.renderInlineAsText(tokens[index].children, options, env) || address;
  return `<a href="${escape(address)}" class="image-link">${escape(label)}</a>`;
};

// One heading level inside a reply: its place in the page's outline must not depend on what a model writes.
parser.renderer.rules.heading_open = (tokens, index) => `<h3 class="level-${tokens[index].tag.slice(1)}">`;
parser.renderer.rules.heading_close = () => "</h3>\n";

/**
 * Read `text` as top-level blocks: [{start, html}], where `start` is the offset of the block's first line in
 * UTF-16 units. `env` is filled with the link definitions found, in `references`.
 */
export function blocksOf(text, env) {
  const tokens = parser.parse(text, env);
  const lineStarts = startsOfLines(text);
  const blocks = [];
  for (let first = 0, last = 0; first < tokens.length; first = last + 1) {
    last = first;
    if (tokens[first].nesting === 1) {
      while (!(tokens[last].nesting === -1 && tokens[last].level === tokens[first].level)) last += 1;
    }
    const group = tokens.slice(first, last + 1);
    blocks.push({
      start: lineStarts[tokens[first].map?.[0] ?? 0],
      html: parser.renderer.render(group, parser.options, env),
    });
  }
  return blocks;
}

function startsOfLines(text) {
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}
