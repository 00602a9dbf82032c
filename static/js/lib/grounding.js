// Places that a reply points at: where its text has boxes, and what of it can be shown while the rest still comes.
import { jsonAt } from "./box_json.js";
import { tagsAt } from "./box_tags.js";

const BEGINNINGS = /[<{[]/g;

/**
 * Read the boxes that begin at `start`: null when there are none, {end, places} when the text holds all of them;
 * {end: null, …} when it ends before they do, see box_tags.js. A place is {label, boxes: [[x1, y1, x2, y2]], unit}, with
 * the unit "thousandths" or "shares" of the picture's sides, or "pixels" of the picture as the model saw it.
 */
export function placesAt(text, start) {
  return text[start] === "<" ? tagsAt(text, start) : jsonAt(text, start);
}

/** Give a paragraph with what stands open at its end completed or left out, so that no half of a mark is ever shown. */
export function settled(text, { done = false } = {}) {
  BEGINNINGS.lastIndex = 0;
  for (let match = BEGINNINGS.exec(text); match; match = BEGINNINGS.exec(text)) {
    const found = placesAt(text, match.index);
    if (!found) continue;
    if (found.end === null) return done && !found.sure ? text : text.slice(0, match.index) + found.keep;
    if (found.grows) return text.slice(0, found.end);
    BEGINNINGS.lastIndex = found.end;
  }
  return text;
}

/**
 * Read a text that is boxes from its beginning to its end, as Qwen fences them: {places, whole}, or null. Of one that has
 * not ended, `places` are those that have come.
 */
export function placesOf(text) {
  const json = text.trim();
  if (!json) return { places: [], whole: false };
  const found = jsonAt(json, 0);
  if (!found) return null;
  if (found.end === null) return { places: found.keep ? jsonAt(found.keep, 0).places : [], whole: false };
  return found.end === json.length ? { places: found.places, whole: true } : null;
}
