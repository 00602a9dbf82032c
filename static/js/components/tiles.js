// A picture as its model saw it, with the tiles that it was cut into drawn over it.
import { make } from "../lib/make.js";

const SVG = "http://www.w3.org/2000/svg";
const MOST = 22; // rem, the longer side on screen

/** Draw a picture as the site tells of it (docs/http.md), on its grid where it has one. */
export function drawTiles({ url, width, height, tiles }, name) {
  const canvas = tiles ? { width: tiles.columns * tiles.tile, height: tiles.rows * tiles.tile } : { width, height };
  const place = tiles ?? { left: 0, top: 0, width, height };
  const image = make("img", { src: url, alt: name, decoding: "async" });
  const share = (part, whole) => `${(100 * part) / whole}%`;
  Object.assign(image.style, {
    left: share(place.left, canvas.width),
    top: share(place.top, canvas.height),
    width: share(place.width, canvas.width),
    height: share(place.height, canvas.height),
  });
  const link = make("a", { class: "inspection-canvas", href: url, target: "_blank", rel: "noopener" }, image);
  link.style.aspectRatio = `${canvas.width} / ${canvas.height}`;
  link.style.width = `${Math.min(MOST, (MOST * canvas.width) / canvas.height)}rem`;
  if (tiles) link.append(gridOf(tiles));
  return link;
}

function gridOf({ columns, rows }) {
  const grid = document.createElementNS(SVG, "svg");
  const set = (element, attributes) => {
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  };
  set(grid, { viewBox: `0 0 ${columns} ${rows}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  const steps = (count) => Array.from({ length: count + 1 }, (_, index) => index);
  const lines = [...steps(columns).map((x) => `M${x} 0V${rows}`), ...steps(rows).map((y) => `M0 ${y}H${columns}`)];
  // A light line on a dark one is seen on any picture.
  for (const kind of ["under", "over"]) {
    const line = document.createElementNS(SVG, "path");
    set(line, { d: lines.join(""), class: kind, "vector-effect": "non-scaling-stroke" });
    grid.append(line);
  }
  return grid;
}
