// From the numbers that a model wrote to a place on the visitor's picture. Boxes here are [left, top, right, bottom] in
// shares of the picture's sides, 0 to 1.

const RESIZED = 336; // pixels a side of what image mode "Resize" sends, see chat/images/preprocess.py
const PATCH = 28; // Qwen2-VL and Qwen2.5-VL see pictures whose sides are multiples of it,
const MOST_PIXELS = 16384 * PATCH * PATCH; // and no larger ones: smart_resize in qwen-vl-utils
const clamp = (value) => Math.min(Math.max(value, 0), 1);

/**
 * Give the boxes of a place (lib/grounding.js) on `image` {width, height}. `asked` {model, mode}: whom the picture was sent
 * to, and in which image mode. What lies outside the picture or has no area is left out.
 */
export function boxesOn(image, { boxes, unit }, asked) {
  const seen = seenBy(image, asked);
  const inPixels = unit === "pixels" && !isInThousandths(boxes, seen, asked);
  const [across, down] = inPixels ? [seen.width, seen.height] : unit === "shares" ? [1, 1] : [1000, 1000];
  const onSquare = asked.mode === "Pad" || (unit === "shares" && padsItself(asked.model));
  const [wide, high] = onSquare ? margins(image) : [0, 0];
  const place = (value, whole, margin) => clamp((value / whole - margin) / (1 - 2 * margin));
  return boxes
    .map(([x1, y1, x2, y2]) => [
      place(Math.min(x1, x2), across, wide),
      place(Math.min(y1, y2), down, high),
      place(Math.max(x1, x2), across, wide),
      place(Math.max(y1, y2), down, high),
    ])
    .filter(([left, top, right, bottom]) => right > left && bottom > top);
}

/** The size of the picture that the model's pixels are pixels of. */
function seenBy(image, { model, mode }) {
  let { width, height } = image;
  if (mode === "Pad") width = height = Math.max(width, height);
  if (mode === "Resize") width = height = RESIZED;
  return /qwen/i.test(model) ? inPatches(width, height) : { width, height };
}

function inPatches(width, height) {
  const scale = Math.min(1, Math.sqrt(MOST_PIXELS / (width * height)));
  const cut = scale < 1 ? Math.floor : Math.round;
  const side = (value) => Math.max(PATCH, cut((value * scale) / PATCH) * PATCH);
  return { width: side(width), height: side(height) };
}

/** Qwen3-VL writes thousandths into the same JSON, and so do others: they show when a box would not fit the picture. */
function isInThousandths(boxes, { width, height }, { model }) {
  const numbers = boxes.flat();
  const fits = boxes.every(([x1, y1, x2, y2]) => Math.max(x1, x2) <= width && Math.max(y1, y2) <= height);
  return numbers.every((number) => number <= 1000) && (/qwen-?_?3/i.test(model) || !fits);
}

/** LLaVA 1.5 puts each picture in the middle of a square before it looks at it. */
function padsItself(model) {
  return /llava.*1[.-]5/i.test(model);
}

/** What the bars at the left and at the top take of a square around the picture, in shares of its side. */
function margins({ width, height }) {
  const side = Math.max(width, height);
  return [Math.floor((side - width) / 2) / side, Math.floor((side - height) / 2) / side];
}

/** Give a box as whole pixels of the picture, or (`unit` "thousandths") as whole thousandths of its sides. */
export function inWholes([left, top, right, bottom], image, unit) {
  const [across, down] = unit === "pixels" ? [image.width, image.height] : [1000, 1000];
  return [Math.round(left * across), Math.round(top * down), Math.round(right * across), Math.round(bottom * down)];
}

const NAMED = /\b(Image|picture|photo)([- ]?)(\d{1,3})\b|(?:图片?|图像|第)\s?(\d{1,3})/giu;

/** Find the picture that a text names last: {number, counted: "all" or "last"}, or null. */
export function namedIn(text) {
  const found = [...text.matchAll(NAMED)].at(-1);
  if (!found) return null;
  const [, word, joint, number, chinese] = found;
  // InternVL's workers call them Image-1, Image-2, … through the whole conversation.
  const counted = word?.toLowerCase() === "image" && joint === "-" ? "all" : "last";
  return { number: Number(number ?? chinese), counted };
}

/** Choose the picture of a place: `all` of the conversation up to the reply, `last` of the newest message with some. */
export function pictureFor(named, { all, last }) {
  if (!named) return last[0] ?? null;
  const first = named.counted === "all" ? all : last;
  return first[named.number - 1] ?? all[named.number - 1] ?? last[0] ?? null;
}
