// Boxes that models write as JSON: Qwen2.5-VL's {"bbox_2d": [x1, y1, x2, y2], "label": "…"} and its like, alone or in
// a list, and the bare [0.12, 0.3, 0.5, 0.92] of LLaVA. Results are those of box_tags.js.

const LONGEST = 2000; // characters of one object; what is longer is shown as it is
// [ymin, xmin, ymax, xmax] in thousandths is what Gemini, and models trained on its output, write as box_2d.
const BOXES = { bbox_2d: "pixels", bbox: "pixels", box: "pixels", box_2d: "thousandths" };
const FIRST_KEYS = [...Object.keys(BOXES), "label"];
const FRACTION = String.raw`(?:0?\.\d+|[01]\.\d+)`;
const FRACTIONS = new RegExp(String.raw`^\[\s*(${FRACTION})\s*,\s*(${FRACTION})\s*,\s*(${FRACTION})\s*,\s*(${FRACTION})\s*\]`);
const BEGINNING_OF_FRACTIONS = /^\[\s*(?:[01]?\.?|[01]?\.\d[\d.,\s]{0,80})$/;

/** Read an object or list that begins at `start`. */
export function jsonAt(text, start) {
  if (text[start] === "{") return objectAt(text, start);
  if (text[start] !== "[") return null;
  return fractionsAt(text, start) ?? listAt(text, start);
}

function listAt(text, start) {
  const places = [];
  let at = afterSpace(text, start + 1);
  let end = start;
  const open = () => ({ end: null, keep: places.length ? `${text.slice(start, end)}]` : "", sure: places.length > 0 });
  for (;;) {
    if (at === text.length) return open();
    const found = text[at] === "{" ? objectAt(text, at) : null;
    if (!found) return null;
    if (found.end === null) return open();
    places.push(...found.places);
    end = found.end;
    at = afterSpace(text, end);
    if (at === text.length) return open();
    if (text[at] === "]") return { end: at + 1, places };
    if (text[at] !== ",") return null;
    at = afterSpace(text, at + 1);
  }
}

function objectAt(text, start) {
  const rest = text.slice(start, start + LONGEST);
  const head = /^\{\s*(?:"([^"\\\n]*)("?))?/.exec(rest);
  const [all, key = "", quote = ""] = head;
  const ends = start + all.length === text.length;
  const mayBeOurs = quote ? FIRST_KEYS.includes(key) : ends && FIRST_KEYS.some((name) => name.startsWith(key));
  if (!mayBeOurs) return null;
  const length = lengthOfObject(rest);
  if (length === null) return start + rest.length === text.length && rest.length < LONGEST ? { end: null, keep: "", sure: false } : null;
  const place = placeIn(rest.slice(0, length));
  return place && { end: start + length, places: [place] };
}

/** How many characters an object takes to its closing brace; null when that has not come. */
function lengthOfObject(text) {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (inString) {
      if (character === "\\") at += 1;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === "{") depth += 1;
    else if (character === "}") {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return null;
}

function placeIn(json) {
  let value;
  try {
    value = JSON.parse(json);
  } catch {
    return null;
  }
  const key = Object.keys(BOXES).find((name) => Array.isArray(value[name]));
  const given = key && value[key];
  const boxes = (Array.isArray(given?.[0]) ? given : [given]).filter(isBox);
  if (!boxes.length) return null;
  const label = [value.label, value.name, value.text_content].find((name) => typeof name === "string") ?? "";
  if (key === "box_2d") return { label, boxes: boxes.map(([top, left, bottom, right]) => [left, top, right, bottom]), unit: BOXES[key] };
  const areShares = boxes.flat().every((number) => number <= 1); // in pixels it would be a speck in the corner
  return { label, boxes, unit: areShares ? "shares" : BOXES[key] };
}

const isBox = (numbers) => Array.isArray(numbers) && numbers.length === 4 && numbers.every(Number.isFinite);

function fractionsAt(text, start) {
  const rest = text.slice(start, start + 100);
  const found = FRACTIONS.exec(rest);
  if (found) {
    const box = found.slice(1).map(Number);
    const [left, top, right, bottom] = box;
    const isInside = left < right && top < bottom && box.every((number) => number <= 1);
    return isInside ? { end: start + found[0].length, places: [{ label: "", boxes: [box], unit: "shares" }] } : null;
  }
  const begins = start + rest.length === text.length && BEGINNING_OF_FRACTIONS.test(rest);
  return begins && rest.trim().length > 1 ? { end: null, keep: "", sure: false } : null;
}

function afterSpace(text, at) {
  return at + /^\s*/.exec(text.slice(at, at + 200))[0].length;
}
