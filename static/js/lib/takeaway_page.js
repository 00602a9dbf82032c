// A conversation as one HTML file that needs nothing else, runs nothing and asks nobody.
import { drawNow, loadMathematics } from "./formulas.js";
import { asText, MARK, markedPlace } from "./grounding_markdown.js";
import { coloursOf, loadColours } from "./highlighting.js";
import { readAll } from "./markdown.js";
import { pointedAt } from "./pointing.js";
import { safeFragment } from "./sanitise.js";
import { named, shownOf, speaker } from "./takeaway.js";
import { figureOf, labelOf, made, pictureOf } from "./takeaway_pictures.js";
import { POLICY, STYLE } from "./takeaway_style.js";
import { parted } from "./thinking.js";
import { moment, say } from "./words.js";

/** Write what is on screen. `conversation` as the site's data tell of it, with its pictures; `titleOf` a model's title. */
export async function asHTML(conversation, titleOf) {
  const title = conversation.title || say("untitled");
  const page = document.implementation.createHTMLDocument(title);
  page.documentElement.lang = document.documentElement.lang;
  page.head.append(
    made("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
    made("meta", { name: "color-scheme", content: "light dark" }),
  );
  const when = moment(Date.parse(conversation.created) / 1000);
  page.body.append(made("h1", {}, title), made("p", { class: "when" }, when));
  const pictures = { all: [], last: [] };
  for (const [index, message] of shownOf(conversation).entries()) {
    const article = made("article", { class: message.role, id: `message-${index + 1}` });
    article.append(made("h2", {}, speaker(message, titleOf)));
    if (message.role === "user") addQuestion(article, message, pictures);
    else await addReply(article, message, pictures);
    page.body.append(article);
  }
  // As text: this page's own policy would refuse the style.
  const head = `<head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${POLICY}"><style>${STYLE}</style>`;
  return `<!doctype html>\n${page.documentElement.outerHTML.replace("<head>", () => head)}\n`;
}

function addQuestion(article, { text, images }, pictures) {
  for (const image of images) {
    pictures.all.push({ ...image, url: image.data, number: pictures.all.length + 1 });
    if (image.data) article.append(pictureOf(pictures.all.at(-1), article.id));
    else article.append(made("p", { class: "when" }, say("share_picture_gone", { name: named(image) })));
  }
  if (images.length) pictures.last = pictures.all.slice(-images.length);
  article.append(made("p", { class: "typed" }, text));
}

async function addReply(article, { text, model, parameters }, pictures) {
  const { thought, answer } = parted(text, { done: true });
  if (thought !== null) {
    article.append(made("details", {}, made("summary", {}, say("thoughts")), withoutMarks(await drawn(thought))));
  }
  const fragment = await drawn(answer);
  const asked = { model: model ?? "", mode: parameters.image_mode };
  const placeOf = (node) => (node instanceof Element && node.matches(MARK) ? markedPlace(node) : null);
  const places = [];
  for (const { node, place, pointed } of pointedAt(fragment, placeOf, pictures, asked)) {
    const id = pointed && `${article.id}-place-${pointed.number}`;
    if (pointed) places.push({ ...pointed, label: place.label || say("place"), id });
    node.replaceWith(pointed ? labelOf(places.at(-1)) : asText(place));
  }
  for (const image of new Set(places.map((place) => place.image))) {
    article.append(figureOf(image, places.filter((place) => place.image === image), article.id));
  }
  article.append(fragment);
}

/** Where no picture is at hand to draw on, marks are text. */
function withoutMarks(fragment) {
  for (const mark of fragment.querySelectorAll(MARK)) mark.replaceWith(asText(markedPlace(mark)));
  return fragment;
}

/** Read a reply as the page does; formulas as MathML, which needs no style or font of its own. */
async function drawn(text) {
  const fragment = safeFragment(readAll(text));
  const codes = [...fragment.querySelectorAll("pre code[class]")];
  const formulas = [...fragment.querySelectorAll(".mathematics")];
  // Without colours or drawn formulas a reply is as it came.
  if (formulas.length) await loadMathematics().catch(() => {});
  for (const code of codes) {
    const language = code.className.replace("language-", "");
    await loadColours(language).catch(() => {});
    const colours = coloursOf(code.textContent, language);
    if (colours) code.replaceChildren(colours.fragment);
  }
  for (const formula of formulas) drawNow(formula);
  for (const twin of fragment.querySelectorAll(".katex-html")) twin.remove();
  for (const styled of fragment.querySelectorAll("[style]")) styled.removeAttribute("style");
  return fragment;
}
