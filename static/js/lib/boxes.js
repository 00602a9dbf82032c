// Boxes on a picture, {x, y, width, height} in its pixels: whole numbers, inside the picture, never too small.

export const SMALLEST = 4; // pixels a side, as the site asks
const clamp = (value, least, most) => Math.min(Math.max(value, least), most);

/** The box between two points, however they lie. */
export function between(one, other, size) {
  const left = clamp(Math.round(Math.min(one.x, other.x)), 0, size.width);
  const top = clamp(Math.round(Math.min(one.y, other.y)), 0, size.height);
  const right = clamp(Math.round(Math.max(one.x, other.x)), 0, size.width);
  const bottom = clamp(Math.round(Math.max(one.y, other.y)), 0, size.height);
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/** A box in the middle, half as wide and high as the picture. */
export function inTheMiddle(size) {
  return fitted({ x: size.width / 4, y: size.height / 4, width: size.width / 2, height: size.height / 2 }, size);
}

export function moved(box, x, y, size) {
  return fitted({ ...box, x: box.x + x, y: box.y + y }, size);
}

export function grown(box, width, height, size) {
  const least = smallest(size);
  return {
    ...box,
    width: Math.round(clamp(box.width + width, least.width, size.width - box.x)),
    height: Math.round(clamp(box.height + height, least.height, size.height - box.y)),
  };
}

export function isLargeEnough(box, size) {
  const least = smallest(size);
  return box.width >= least.width && box.height >= least.height;
}

function fitted(box, size) {
  const width = Math.round(clamp(box.width, smallest(size).width, size.width));
  const height = Math.round(clamp(box.height, smallest(size).height, size.height));
  return {
    x: Math.round(clamp(box.x, 0, size.width - width)),
    y: Math.round(clamp(box.y, 0, size.height - height)),
    width,
    height,
  };
}

const smallest = (size) => ({ width: Math.min(SMALLEST, size.width), height: Math.min(SMALLEST, size.height) });
