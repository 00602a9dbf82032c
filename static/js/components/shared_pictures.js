// The pictures behind a public link, as its page has them: looked at large, and with the boxes of the replies.
import { isPlainClick, part } from "../lib/dom.js";
import { later } from "../lib/later.js";
import { Places } from "./places.js";

const pictures = [...document.querySelectorAll("[data-picture]")].map(read);

/** What components/places.js needs of a picture; of one that is not shown only that there is one. */
function read(element) {
  const link = element.querySelector("a");
  const picture = element.querySelector("img");
  const size = { width: Number(picture?.getAttribute("width")), height: Number(picture?.getAttribute("height")) };
  const info = { element, id: element.dataset.picture, name: picture?.alt, url: link?.href, thumbnail: picture?.src, ...size };
  link?.addEventListener("click", (event) => isPlainClick(event) && open(info.id, { opener: link }));
  return info;
}

let wanted = null;
// Where what shows it large does not come, the picture itself may.
const lightbox = later(
  () => import("./lightbox.js").then(({ Lightbox }) => new Lightbox()),
  () => location.assign(wanted.url),
);

function open(id, options) {
  const shown = pictures.filter(({ url }) => url);
  wanted = shown.find((picture) => picture.id === id);
  lightbox((large) => large.open(shown, id, options));
}

/** Make the places of the reply that `text` is the text of. */
export function placesFor(text) {
  const article = text.closest("article");
  const { model, mode } = article.dataset;
  return new Places(part(article, "places"), text, { model, parameters: { image_mode: mode } }, {
    imagesBefore: () => before(article),
    look: open,
  });
}

/** The pictures of the questions above a reply: all of them, and those of the newest question with some. */
function before(article) {
  const isAbove = ({ element }) => article.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_PRECEDING;
  const all = pictures.filter(isAbove);
  const newest = all.at(-1)?.element.parentElement;
  return { all, last: all.filter(({ element }) => element.parentElement === newest) };
}
