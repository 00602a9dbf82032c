// The dialog that tells what a model saw for a reply; what is in it comes from the site with its words.
import { copyText } from "../lib/clipboard.js";
import { make } from "../lib/make.js";
import { CallError, getJSON } from "../lib/http.js";
import { write } from "../lib/dom.js";
import { say } from "../lib/words.js";
import { drawTiles } from "./tiles.js";

export class Inspection {
  #title = make("h2", { id: "inspection-title" }, say("inspection"));
  #close = make("button", { type: "button", class: "quiet button" }, say("close"));
  #state = make("p", { class: "hint", role: "status" });
  #problem = make("p", { class: "problem", role: "alert" });
  #content = make("div", { class: "inspection-content" });
  #dialog = make(
    "dialog",
    { class: "sheet is-long inspection", "aria-labelledby": "inspection-title" },
    make("div", { class: "dialog-head" }, this.#title, this.#close),
    this.#state,
    this.#problem,
    this.#content,
  );
  #asked = 0;

  /** `guarded`: pictures are blurred until the pointer or focus is on them. */
  constructor({ guarded = false } = {}) {
    this.#dialog.classList.toggle("is-guarded", guarded);
    document.body.append(this.#dialog);
    this.#close.addEventListener("click", () => this.#dialog.close());
  }

  /** Show what the site tells of a reply at this address. */
  async open(url) {
    const asked = ++this.#asked;
    this.#content.replaceChildren();
    write(this.#problem, "");
    write(this.#state, say("history_loading"));
    this.#dialog.showModal();
    try {
      const told = await getJSON(url);
      if (asked === this.#asked) this.#show(told);
    } catch (error) {
      if (asked !== this.#asked) return;
      write(this.#state, "");
      write(this.#problem, error instanceof CallError ? error.message : say("call_failed"));
    }
  }

  #show({ verdict, text, facts, prompt, pictures, request, words }) {
    write(this.#state, text);
    this.#state.dataset.verdict = verdict;
    const body = JSON.stringify(request, null, 2);
    this.#content.append(
      section(words.pictures, pictures.length > 0, ...pictures.map((picture) => pictureIn(picture))),
      section(words.prompt, prompt.length > 0, ...prompt.map(messageIn), legend(prompt, words), this.#copy(words.copy_prompt, plain(prompt))),
      section(words.facts, true, listOf(facts)),
      section(
        words.request,
        request !== null,
        make("p", { class: "hint" }, words.request_hint),
        make("pre", { class: "inspection-prompt", tabindex: "0", "aria-label": words.request }, body),
        this.#copy(words.copy_request, body),
      ),
    );
  }

  #copy(label, text) {
    const button = make("button", { type: "button", class: "outlined button" }, label);
    const said = make("span", { class: "hint", role: "status" });
    button.addEventListener("click", async () => {
      await copyText(text);
      write(said, say("copied"));
    });
    return make("p", { class: "inspection-copy" }, button, " ", said);
  }
}

function section(title, wanted, ...content) {
  return wanted ? make("section", { class: "own-data-part" }, make("h3", {}, title), ...content) : "";
}

function pictureIn(picture) {
  const name = `${picture.number}. ${picture.name}`;
  const caption = make("figcaption", {}, make("strong", {}, name), make("span", {}, picture.text));
  const figure = make("figure", { class: "inspection-picture" });
  const problem = (words) => make("p", { class: "problem" }, words);
  if (picture.problem) figure.append(problem(picture.problem), caption);
  else {
    const drawn = drawTiles(picture, name);
    drawn.querySelector("img").addEventListener("error", () => drawn.replaceWith(problem(picture.lost)));
    caption.append(make("span", {}, picture.tiles_text));
    figure.append(drawn, caption);
  }
  return figure;
}

function messageIn({ role, pieces, pictures }) {
  if (!pieces.length && !pictures.length) return ""; // an empty system message
  const numbers = pictures.map((number) => make("span", { class: "inspection-number" }, `[${say("image")} ${number}]`));
  const text = make("pre", { class: "inspection-prompt", tabindex: "0" }, ...numbers, ...pieces.map(pieceIn));
  text.ariaLabel = role || say("inspection");
  return make("div", {}, role ? make("h4", {}, role) : "", text);
}

function pieceIn([text, kind]) {
  if (!kind) return text;
  return make("mark", { class: `is-${kind}` }, text.replaceAll("\u200b", "·"));
}

/** Say what the marks mean that there are. */
function legend(prompt, words) {
  const kinds = new Set(prompt.flatMap(({ pieces }) => pieces.map(([, kind]) => kind)).filter(Boolean));
  const entries = [...kinds].map((kind) => make("li", {}, make("mark", { class: `is-${kind}` }, "abc"), ` ${words[kind]}`));
  return entries.length ? make("ul", { class: "inspection-legend" }, ...entries) : "";
}

function listOf(facts) {
  const rows = facts.map(([label, value]) => make("div", {}, make("dt", {}, label), make("dd", {}, value)));
  return make("dl", { class: "inspection-facts" }, ...rows);
}

function plain(prompt) {
  const texts = prompt.map(({ role, pieces }) => (role ? `${role}:\n` : "") + pieces.map(([text]) => text).join(""));
  return texts.join("\n\n");
}
