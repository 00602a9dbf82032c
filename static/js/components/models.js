// The Model select, and what the page says while there is none.
import { part, show, write } from "../lib/dom.js";
import { getJSON } from "../lib/http.js";
import { browser } from "../lib/storage.js";
import { say } from "../lib/words.js";
import { RichText } from "./rich_text.js";

const LOOK_AGAIN = 3000; // milliseconds

export class Models {
  #root = document.getElementById("models");
  #select = document.getElementById("model");
  #url;
  #models;
  #wanted; // the name to select as soon as it is there
  #timer = 0;
  #description = new RichText(part(this.#root, "description"));

  /** `models` and `url`: the list, and where it is renewed; `wanted`: which to select; `onChange()`. */
  constructor({ models, url, wanted, onChange }) {
    this.onChange = onChange;
    this.#url = url;
    this.#wanted = wanted;
    this.#take(models);
    this.#select.addEventListener("change", () => {
      this.#wanted = this.#select.value;
      browser.set("model", this.#select.value);
      this.#describe();
      onChange();
    });
  }

  /** The model that the next message goes to: its entry in the list, or null. */
  get current() {
    return this.#models.list.find((model) => model.name === this.#select.value) ?? null;
  }

  /** The words for a model, also one that is not in the list. */
  title(name) {
    return this.#models.list.find((model) => model.name === name)?.title || name || "";
  }

  /** Can the next message go to it? */
  offers(name) {
    return this.#models.list.some((model) => model.listed && model.name === name);
  }

  /** Select the model of a conversation; one that has gone is shown, greyed. */
  select(name) {
    if (!name) return;
    this.#wanted = name;
    this.#fill();
    this.onChange();
    // One that is shown by link only is in no list but that of who asks for it.
    if (!this.#models.list.some((model) => model.name === name)) this.#look();
  }

  #take(models) {
    const isNews = JSON.stringify(models.list) !== JSON.stringify(this.#models?.list);
    this.#models = models;
    // A list that is open under the visitor's finger stays as it is when nothing is new.
    if (isNews) this.#fill();
    const usable = models.available && models.list.some((model) => model.listed);
    show(part(this.#root, "unavailable"), !usable);
    write(part(this.#root, "reason"), usable ? "" : models.reason || say("no_models"));
    clearTimeout(this.#timer);
    if (!usable) this.#timer = setTimeout(() => this.#look(), LOOK_AGAIN);
  }

  async #look() {
    try {
      this.#take(await getJSON(this.#wanted ? `${this.#url}?model=${encodeURIComponent(this.#wanted)}` : this.#url));
      this.onChange();
    } catch {
      this.#timer = setTimeout(() => this.#look(), LOOK_AGAIN);
    }
  }

  #fill() {
    const { list, selected } = this.#models;
    const options = list.map(
      ({ name, title, listed }) => new Option(listed ? title || name : say("gone", { name: title || name }), name),
    );
    list.forEach(({ listed }, index) => (options[index].disabled = !listed));
    if (this.#wanted && !list.some(({ name }) => name === this.#wanted)) {
      const gone = new Option(say("gone", { name: this.#wanted }), this.#wanted);
      gone.disabled = true;
      options.push(gone);
    }
    if (!options.length) options.push(new Option(say("no_model_option"), "", true, true));
    this.#select.replaceChildren(...options);
    this.#select.value = this.#wanted ?? selected ?? list.find(({ listed }) => listed)?.name ?? "";
    this.#describe();
  }

  #describe() {
    const description = this.current?.description ?? "";
    this.#description.update(description, { done: true });
    show(part(this.#root, "description"), description !== "");
  }
}
