// What a text points at: which picture it named before each place, and which number and colour the place has.
import { boxesOn, namedIn, pictureFor } from "./places.js";

const HUES = 8;

/**
 * Go through `text`, in which `placeOf(node)` gives the place (lib/grounding.js) that a node stands for, if any. `pictures`
 * {all, last}, see `pictureFor`; `asked` {model, mode}, see `boxesOn`. Gives for each place {node, place} with
 * `pointed`: {number, hue, image, boxes}, or null where there is no picture or no box to show.
 */
export function pointedAt(text, placeOf, pictures, asked) {
  const found = [];
  const hues = new Map();
  let named = null;
  let number = 0;
  const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const place = placeOf(node);
    if (node.nodeType === Node.TEXT_NODE) named = namedIn(node.data) ?? named;
    if (!place) continue;
    const image = pictureFor(namedIn(place.label) ?? named, pictures);
    const boxes = image?.url ? boxesOn(image, place, asked) : []; // without an address it is not shown
    if (boxes.length) number += 1;
    found.push({ node, place, pointed: boxes.length ? { number, hue: hueOf(place, number, hues), image, boxes } : null });
  }
  return found;
}

function hueOf({ label }, number, hues) {
  const key = label.toLowerCase() || number;
  if (!hues.has(key)) hues.set(key, hues.size % HUES);
  return hues.get(key);
}
