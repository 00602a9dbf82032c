// Boxes that models write, in the replies that staff read: the label, and the numbers beside it, instead of tags.
import { placesAt } from "../lib/grounding.js";
import { asText } from "../lib/grounding_markdown.js";

/** Make the boxes in the replies in `root` readable; what was written is in each one's title. */
export function showPlaces(root) {
  for (const text of root.querySelectorAll(".message.assistant > .text")) {
    text.replaceChildren(...piecesOf(text.textContent));
  }
}

function piecesOf(text) {
  const pieces = [];
  let shown = 0;
  for (const { index } of text.matchAll(/[<{[]/g)) {
    const found = index >= shown ? placesAt(text, index) : null;
    if (!found?.end) continue;
    const written = text.slice(index, found.end);
    const places = found.places.flatMap((place, number) => (number ? [" ", placeOf(place, written)] : placeOf(place, written)));
    pieces.push(text.slice(shown, index), ...places);
    shown = found.end;
  }
  return [...pieces, text.slice(shown)];
}

function placeOf(place, written) {
  const element = document.createElement("mark");
  element.className = "place";
  element.title = written;
  element.textContent = asText(place);
  return element;
}

showPlaces(document);
