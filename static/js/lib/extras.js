// Highlighting and mathematics: large libraries that most conversations never need, loaded when one does.
import { safeFragment } from "./sanitise.js";

const MOST_HIGHLIGHTED = 50_000; // characters; a longer listing stays plain rather than hold up the page
const MATHEMATICS = { throwOnError: true, strict: "ignore", trust: false, maxExpand: 200, maxSize: 20 };
let highlighter = null;
let katex = null;

/** Colour the code in a <code class="language-…"> element. */
export async function highlight(code) {
  const language = [...code.classList].find((name) => name.startsWith("language-"))?.slice("language-".length);
  const text = code.textContent;
  if (!language || text.length > MOST_HIGHLIGHTED) return;
  highlighter ??= import("../../vendor/highlight/highlight.js");
  const { default: hljs } = await highlighter;
  if (!hljs.getLanguage(language)) return;
  code.replaceChildren(safeFragment(hljs.highlight(text, { language, ignoreIllegals: true }).value));
}

/** Draw the LaTeX source in each of `elements` in its place; sources with errors stay readable. */
export async function drawMathematics(elements) {
  katex ??= loadMathematics();
  const library = await katex;
  for (const element of elements) {
    const displayMode = element.classList.contains("mathematics-display");
    try {
      const tree = library.__renderToDomTree(element.textContent, { ...MATHEMATICS, displayMode });
      styleByObject(tree);
      element.replaceChildren(tree.toNode());
      element.classList.add("is-drawn");
      if (isTooWide(element, displayMode)) {
        element.classList.toggle("is-wide", !displayMode);
        // What scrolls must be reached by keyboard.
        element.tabIndex = 0;
      }
    } catch {
      element.classList.add("is-broken");
    }
  }
}

function isTooWide(element, displayMode) {
  if (displayMode) return element.scrollWidth > element.clientWidth;
  const text = element.closest(".text");
  return text !== null && element.getBoundingClientRect().width > text.clientWidth;
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

async function loadMathematics() {
  document.getElementById("mathematics-style").disabled = false;
  await import("../../vendor/katex/katex.js");
  return globalThis.katex;
}
