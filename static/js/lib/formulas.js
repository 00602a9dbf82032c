// Draws formulas. The library is large, and most conversations never need it: it is loaded when one does.
import { afterDrawing, inSlices, nowOrSoon } from "./frames.js";

const MATHEMATICS = { throwOnError: true, strict: "ignore", trust: false, maxExpand: 200, maxSize: 20 };
const FONTS = ["1em KaTeX_Main", "italic 1em KaTeX_Math"]; // of nearly all formulas
const FIRST = ["x", "x^2", "\\frac{x}{2}"];
let katex = null;
let drawing = null;
let style = null;

/** Draw the LaTeX source in `element` in its place, at once or when the library is here; one with errors stays readable. */
export function drawFormula(element) {
  if (katex) return nowOrSoon(() => drawNow(element));
  // A reply without its formulas drawn is as it came; a network that fails just then is no reason to complain.
  loadMathematics().then(() => inSlices(() => drawNow(element)), () => {});
}

/** Load what draws formulas at once. */
export function loadMathematics() {
  drawing ??= importMathematics();
  return drawing;
}

async function importMathematics() {
  // Text would be laid out anew, and jump, as each font comes: so they come before anything is drawn.
  const fonts = loadStyle().then(() => Promise.allSettled(FONTS.map((font) => document.fonts.load(font))));
  await Promise.all([import("../../vendor/katex/katex.js"), fonts]);
  katex = globalThis.katex;
  // The first formulas take long, while the browser compiles what draws them: a frame for each of these, not for all.
  for (const source of FIRST) inSlices(() => katex.__renderToDomTree(source, MATHEMATICS));
}

/** Load the style of formulas; best while there is little on the page, since the browser then looks at all of it again. */
export function loadStyle() {
  style ??= new Promise((done) => {
    const link = document.getElementById("mathematics-style");
    for (const kind of ["load", "error"]) link.addEventListener(kind, done);
    link.disabled = false;
  });
  return style;
}

/** Draw it at once, after `loadMathematics()`. */
export function drawNow(element) {
  const displayMode = element.classList.contains("mathematics-display");
  try {
    const tree = katex.__renderToDomTree(element.textContent, { ...MATHEMATICS, displayMode });
    styleByObject(tree);
    element.replaceChildren(tree.toNode());
    element.classList.add("is-drawn");
    afterDrawing(() => isTooWide(element, displayMode) && (() => makeScrollable(element, displayMode)));
  } catch {
    element.classList.add("is-broken");
  }
}

function isTooWide(element, displayMode) {
  if (displayMode) return element.scrollWidth > element.clientWidth;
  const text = element.closest(".text");
  return text !== null && element.getBoundingClientRect().width > text.clientWidth;
}

function makeScrollable(element, displayMode) {
  element.classList.toggle("is-wide", !displayMode);
  // What scrolls must be reached by keyboard.
  element.tabIndex = 0;
}

/**
 * KaTeX writes a few `style` attributes, which the security policy forbids; the same styles are allowed when
 * they are set on the elements' style objects.
 */
function styleByObject(node) {
  const style = node.attributes?.style;
  if (style) {
    delete node.attributes.style;
    const toNode = node.toNode.bind(node);
    node.toNode = () => {
      const element = toNode();
      element.style.cssText += `;${style}`;
      return element;
    };
  }
  for (const child of node.children ?? []) styleByObject(child);
}
