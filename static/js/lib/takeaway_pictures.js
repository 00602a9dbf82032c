// The pictures of a conversation in one file, and the boxes of its replies over them. The file runs nothing: what is
// clicked is a link to a place in it, and its style shows what the address names.
import { altOf } from "./images.js";
import { say } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const LARGEST = { width: 696, height: 480 }; // CSS pixels, where the window has room for them
const WORDS = 18; // CSS pixels, the size of labels then
const inert = document.implementation.createHTMLDocument(""); // where pictures are not loaded as soon as they are made
const percent = (share) => say("percent", { percent: Math.round(share * 100) });

/** Make an element for the file; `svg:` before its name makes one of SVG. */
export function made(tag, attributes = {}, ...children) {
  const element = tag.startsWith("svg:") ? inert.createElementNS(SVG, tag.slice(4)) : inert.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** How many CSS pixels a pixel of the picture has. */
function scaleOf({ width, height }) {
  return Math.min(LARGEST.width / width, LARGEST.height / height);
}

function sized({ width, height }, scale) {
  return { width: Math.round(width * scale) || 1, height: Math.round(height * scale) || 1 };
}

/** A picture that a click shows large; another one leads back to the article `from`. */
export function pictureOf(image, from) {
  const size = sized(image, Math.min(1, scaleOf(image)));
  const picture = made("img", { src: image.data, alt: altOf(image), ...size });
  return enlargeable(`picture-${image.number}`, from, made("a", { href: `#picture-${image.number}` }, picture));
}

/** What a reply points at on `image`, which is in the file once more at most, however many replies point at it. */
export function figureOf(image, places, from) {
  const { width, height, number, data } = image;
  const id = `${from}-picture-${number}`;
  const shape = image.isDrawn
    ? made("svg:use", { href: `#seen-${number}` })
    : made("svg:image", { id: `seen-${number}`, href: data, width, height });
  image.isDrawn = true;
  const boxes = places.flatMap((place) => place.boxes.map((box, index) => boxOf(place, box, image, index === 0)));
  const attributes = { viewBox: `0 0 ${width} ${height}`, ...sized(image, scaleOf(image)), role: "group", "aria-label": altOf(image) };
  const enlarge = made("svg:a", { href: `#${id}`, "aria-label": say("look", { name: altOf(image) }) }, shape);
  return enlargeable(id, from, made("svg:svg", attributes, enlarge, ...boxes));
}

/** The label of a place in the text; it leads to the box, and the box leads to it. */
export function labelOf({ id, number, label, hue }) {
  return made("a", { id: `${id}-label`, href: `#${id}`, class: `place hue-${hue}` }, made("b", {}, String(number)), ` ${label}`);
}

function boxOf({ id, number, label, hue }, [left, top, right, bottom], image, isFirst) {
  const { width, height } = image;
  const line = WORDS / scaleOf(image);
  const at = { x: left * width, y: top * height, width: (right - left) * width, height: (bottom - top) * height };
  const y = at.y > 1.3 * line ? at.y - 0.3 * line : at.y + 1.1 * line;
  const place = left > 0.6 ? { x: right * width, y, "text-anchor": "end" } : { x: at.x, y };
  const words = made("svg:text", { ...place, "font-size": line }, `${number} ${label}`);
  const title = made("svg:title", {}, `${label}: ${[left, top, right, bottom].map(percent).join(", ")}`);
  return made("svg:a", { href: `#${id}-label`, class: `hue-${hue}`, ...(isFirst && { id }) }, title, made("svg:rect", at), words);
}

function enlargeable(id, from, content) {
  return made("figure", { id }, content, made("a", { href: `#${from}`, class: "back", "aria-label": say("close") }, "×"));
}
