// What reads replies: Markdown and the places that it points at. It is large, and comes by rich_text.js when it is wanted.
export { loadStyle } from "../lib/formulas.js";
export { MarkdownText, rehearse } from "./markdown_text.js";
export { Places } from "./places.js";
