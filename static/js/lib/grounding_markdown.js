// Boxes in Markdown. The rules only mark the labels; components/places.js makes them into what can be hovered and focused.
import { placesAt, placesOf, settled } from "./grounding.js";

const IN_JSON = ["", "json"];

/** The elements that marks become. */
export const MARK = "span.place";

/** Teach a markdown-it parser the marks of grounding. */
export function addGrounding(parser) {
  // What has no end at the end of all; lib/unfinished.js cares for texts that still grow.
  parser.core.ruler.after("block", "grounding", ({ env, tokens }) => {
    const last = env.open ? null : tokens.findLast(({ type }) => type === "inline");
    if (last) last.content = settled(last.content, { done: true });
  });
  parser.inline.ruler.before("escape", "grounding", (state, silent) => {
    if (!"<{[".includes(state.src[state.pos])) return false;
    const found = placesAt(state.src, state.pos);
    if (!found?.end || found.end > state.posMax) return false;
    if (!silent) state.push("grounding", "span", 0).meta = found.places;
    state.pos = found.end;
    return true;
  });
  const marked = (places) => places.map((place) => mark(place, parser.utils.escapeHtml)).join(" ");
  parser.renderer.rules.grounding = (tokens, index) => marked(tokens[index].meta);
  const asCode = parser.renderer.rules.fence;
  parser.renderer.rules.fence = (tokens, index, options, env, self) => {
    const found = placesIn(tokens[index]);
    if (found?.places.length) return `<p>${marked(found.places)}</p>`;
    // Half of a list in JSON; in a list of Markdown it is code until it is whole.
    return found && env.open && tokens.length === 1 ? "" : asCode(tokens, index, options, env, self);
  };
}

/** Read the boxes that a code fence holds instead of code, see `placesOf`; null when it is code. */
export function placesIn({ info, content }) {
  return IN_JSON.includes(info.trim().toLowerCase()) ? placesOf(content) : null;
}

/** What a mark tells of its boxes, in an attribute that survives sanitising; for `markedPlace`. */
function mark({ label, boxes, unit }, escape) {
  return `<span class="place" title="${unit} ${boxes.map((box) => box.join(",")).join(" ")}">${escape(label)}</span>`;
}

/** Read what a mark tells: {label, unit, boxes}. */
export function markedPlace(element) {
  const [unit, ...boxes] = element.title.split(" ").filter(Boolean);
  return { label: element.textContent, unit, boxes: boxes.map((box) => box.split(",").map(Number)) };
}

/** A label, and the numbers that are not drawn. */
export function asText({ label, boxes }) {
  return [label, ...boxes.map((box) => `[${box.join(", ")}]`)].filter(Boolean).join(" ");
}
