// Boxes that models write with tags: InternVL's <ref>label</ref><box>[[x1, y1, x2, y2]]</box>, and Qwen's
// <|object_ref_start|>label<|object_ref_end|><|box_start|>(x1,y1),(x2,y2)<|box_end|>; both in thousandths.

const STYLES = [
  { label: "<ref>", labelEnd: "</ref>", box: "<box>", boxEnd: "</box>" },
  { label: "<|object_ref_start|>", labelEnd: "<|object_ref_end|>", box: "<|box_start|>", boxEnd: "<|box_end|>" },
];
const LONGEST_LABEL = 300; // characters; what is longer was no label
const LONGEST_BOX = 4000; // InternVL writes all boxes of one label into one tag
const COORDINATES = /[\d\s.,()[\]-]*/y;

/**
 * Read a mark that begins at `start`: null when there is none, {end, places, grows} when it is whole (`grows`: what follows
 * may still belong to it), and when the text ends within it {end: null, keep, sure}, where `keep` is what can be shown of
 * it already, as a whole mark, and `sure` tells that it can't be anything else.
 */
export function tagsAt(text, start) {
  for (const style of STYLES) {
    const found = read(text, start, style);
    if (found) return found;
  }
  return null;
}

function read(text, start, style) {
  if (text.startsWith(style.box, start)) return withBoxes(text, start, start, style, "");
  const rest = text.slice(start, start + style.label.length);
  if (rest !== style.label) {
    const begins = style.label.startsWith(rest) || style.box.startsWith(rest);
    return begins && start + rest.length === text.length ? { end: null, keep: "", sure: false } : null;
  }
  const from = start + style.label.length;
  // A model that repeats itself may open thousands of labels: none is looked for to the end of the text.
  const near = text.slice(from, from + LONGEST_LABEL + style.labelEnd.length);
  const length = near.indexOf(style.labelEnd);
  const label = length === -1 ? withoutBeginning(near, style.labelEnd) : near.slice(0, length);
  if (label.length > LONGEST_LABEL || /\n\s*\n/.test(label)) return null;
  if (length === -1) return { end: null, keep: `${style.label}${label}${style.labelEnd}`, sure: false };
  return withBoxes(text, start, from + length + style.labelEnd.length, style, label);
}

/** Read the boxes that follow a label, or stand alone; Qwen writes one tag for each. */
function withBoxes(text, start, afterLabel, style, label) {
  const boxes = [];
  let end = afterLabel;
  for (;;) {
    const at = end + /^\s*/.exec(text.slice(end, end + 10))[0].length;
    const rest = text.slice(at, at + style.box.length);
    if (rest !== style.box) return { ...whole(end, label, boxes), grows: style.box.startsWith(rest) };
    COORDINATES.lastIndex = at + style.box.length;
    const [content] = COORDINATES.exec(text);
    const to = COORDINATES.lastIndex;
    const after = text.slice(to, to + style.boxEnd.length);
    const isBox = content.length <= LONGEST_BOX && style.boxEnd.startsWith(after);
    if (isBox && after !== style.boxEnd) return { end: null, keep: text.slice(start, end), sure: end > start };
    const found = isBox ? fours(content) : [];
    if (!found.length) return end > start ? whole(end, label, boxes) : null;
    boxes.push(...found);
    end = to + style.boxEnd.length;
  }
}

function whole(end, label, boxes) {
  return { end, places: [{ label: label.trim(), boxes, unit: "thousandths" }] };
}

/** The numbers in fours; none when some would be left over. */
function fours(content) {
  const numbers = (content.match(/-?\d+(?:\.\d+)?/g) ?? []).map(Number);
  if (numbers.length % 4) return [];
  return Array.from({ length: numbers.length / 4 }, (_, index) => numbers.slice(4 * index, 4 * index + 4));
}

/** Cut off the longest end of `text` that `tag` may begin with. */
function withoutBeginning(text, tag) {
  for (let length = Math.min(text.length, tag.length - 1); length > 0; length -= 1) {
    if (tag.startsWith(text.slice(-length))) return text.slice(0, -length);
  }
  return text;
}
