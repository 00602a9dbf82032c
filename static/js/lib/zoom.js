// A picture in a frame: how large it is shown and where. A view is {zoom, x, y}: 1 is the whole picture, and x and y are CSS
// pixels that its middle is away from the frame's. Sizes are {width, height}.

const LARGEST_PIXEL = 8; // CSS pixels a side that a pixel of the picture may take
const ENLARGED = 3; // the most that a small picture is enlarged at first
const LEAST_MOST = 4; // pictures much larger than the frame can be enlarged at least so much
const clamp = (value, least, most) => Math.min(Math.max(value, least), most);

export const WHOLE = { zoom: 1, x: 0, y: 0 };

/** The size at which the whole picture is shown. */
export function fitted(picture, frame) {
  const scale = Math.min(frame.width / picture.width, frame.height / picture.height, ENLARGED);
  return { width: picture.width * scale, height: picture.height * scale };
}

/** Zoom by `factor`, so that what is at `point`, from the frame's middle, stays there. */
export function zoomed(view, factor, point, picture, frame) {
  const most = Math.max(LEAST_MOST, (LARGEST_PIXEL * picture.width) / fitted(picture, frame).width);
  const zoom = clamp(view.zoom * factor, 1, most);
  const ratio = zoom / view.zoom;
  const at = (middle, place) => place - (place - middle) * ratio;
  return kept({ zoom, x: at(view.x, point.x), y: at(view.y, point.y) }, picture, frame);
}

/** Move by this many CSS pixels. */
export function panned(view, x, y, picture, frame) {
  return kept({ ...view, x: view.x + x, y: view.y + y }, picture, frame);
}

/** Zoom so far that a box, in shares of the picture's sides, is well seen, and bring it into the middle. */
export function around([left, top, right, bottom], picture, frame) {
  const whole = fitted(picture, frame);
  const room = Math.min(frame.width / ((right - left) * whole.width), frame.height / ((bottom - top) * whole.height));
  const { zoom } = zoomed(WHOLE, clamp(room / 3, 1, 3), WHOLE, picture, frame);
  const away = (from, to, side) => (0.5 - (from + to) / 2) * side * zoom;
  return kept({ zoom, x: away(left, right, whole.width), y: away(top, bottom, whole.height) }, picture, frame);
}

/** Leave no empty room at one side while the picture is cut at the other. */
function kept({ zoom, x, y }, picture, frame) {
  const whole = fitted(picture, frame);
  const spare = (side) => Math.max(0, (whole[side] * zoom - frame[side]) / 2);
  return { zoom, x: clamp(x, -spare("width"), spare("width")), y: clamp(y, -spare("height"), spare("height")) };
}
