// The public page behind a link: the texts are there already, as they were written; here they are read as Markdown.
import * as markdown from "./components/markdown_text.js";
import { ReplyText } from "./components/reply_text.js";
import { readWith } from "./components/rich_text.js";

const texts = [...document.querySelectorAll("[data-markdown]")];
// Only a page with pictures has places for boxes.
const shared = document.getElementById("lightbox") && (await import("./components/shared_pictures.js"));
readWith(markdown);
for (const element of texts) {
  const text = element.textContent;
  element.replaceChildren();
  element.classList.add("is-read");
  new ReplyText(element, { places: () => shared && shared.placesFor(element) }).update(text, { done: true });
}
