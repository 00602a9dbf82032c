// What a screen reader is to hear of Markdown on the page: words as they are, code and formulas by name.
import { say } from "./words.js";

const HOLDERS = "ul, ol, li, blockquote, table, thead, tbody, .table-frame";
const sentences = Intl.Segmenter && new Intl.Segmenter(document.documentElement.lang, { granularity: "sentence" });

/** Give the words of a block, one line for each paragraph, item or row in it; of one that still grows whole sentences only. */
export function spoken(block, { grows }) {
  if (grows && block.matches(".code")) return "";
  const lines = linesOf(block).map((line) => line.trim().replace(/\s+/g, " ")).filter(Boolean);
  if (grows && lines.length) lines.push(begun(lines.pop()));
  return lines.join("\n");
}

function linesOf(element) {
  if (element.matches(".code")) return [codeIn(element)];
  if (element.matches("tr")) return [[...element.cells].map(wordsOf).join(", ")];
  return element.matches(HOLDERS) ? [...element.children].flatMap(linesOf) : [wordsOf(element)];
}

function wordsOf(node) {
  if (node instanceof Text) return node.data;
  if (node.matches(".mathematics")) return ` ${say("spoken_formula", { source: sourceOf(node) })} `;
  return [...node.childNodes].map(wordsOf).join("");
}

function sourceOf(formula) {
  return (formula.querySelector("annotation") ?? formula).textContent.trim();
}

function codeIn(element) {
  const language = element.querySelector("[data-part=language]").textContent;
  const count = element.querySelector("pre").textContent.trimEnd().split("\n").length;
  return language ? say("spoken_code_in", { language, count }) : say("spoken_code", { count });
}

/** Drop the last sentence: it is whole only when another one follows. */
function begun(line) {
  if (!sentences) return "";
  return line.slice(0, [...sentences.segment(line)].at(-1).index).trimEnd();
}
