// The drawer with this browser's conversations: grouped by day, searched, loaded as one scrolls.
import { fromTemplate, part, show, write } from "../lib/dom.js";
import { dayGroup } from "../lib/days.js";
import { getJSON } from "../lib/http.js";
import { say } from "../lib/words.js";
import { HistoryEntry } from "./history_entry.js";

const PAUSE = 250; // milliseconds without a key after which a search begins

export class History {
  #dialog = document.getElementById("history");
  #list = part(this.#dialog, "list");
  #more = part(this.#dialog, "more");
  #state = part(this.#dialog, "state");
  #search = part(this.#dialog, "search");
  #site;
  #actions;
  #before = null;
  #asked = 0; // answers to what was asked before are not wanted any more
  #loading = false;
  #failed = false;
  #timer = 0;

  /**
   * `site`: urls, csrf_token. `actions`: open(id, message) hears the choice, and where in it something was found, remove(id, title) gives whether it was deleted,
   * titled(id, title) hears of another title.
   */
  constructor(site, actions) {
    this.#site = site;
    this.#actions = { ...actions, open: (id, message) => this.#open(id, message), removed: (entry) => this.#removed(entry) };
    this.#actions.chosen = actions.open;
    part(this.#dialog, "close").addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("click", (event) => event.target === this.#dialog && this.#dialog.close());
    this.#more.addEventListener("click", () => this.#load());
    const near = { root: this.#dialog, rootMargin: "400px 0px" };
    new IntersectionObserver(([{ isIntersecting }]) => this.#comesNear(isIntersecting), near).observe(this.#more);
    this.#search.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#begin(), PAUSE);
    });
  }

  open() {
    this.#search.value = "";
    this.#dialog.showModal();
    this.#begin();
  }

  get #words() {
    return this.#search.value.trim();
  }

  #open(id, message) {
    this.#actions.chosen(id, message);
    this.#dialog.close();
  }

  #begin() {
    clearTimeout(this.#timer);
    this.#asked += 1;
    this.#loading = false;
    this.#before = null;
    this.#list.replaceChildren();
    this.#load();
  }

  #comesNear(near) {
    if (near && !this.#failed) this.#load();
  }

  /** Show the next page; a search goes on by itself until it has found something or looked at all. */
  async #load() {
    if (this.#loading) return;
    this.#loading = true;
    this.#failed = false;
    const asked = this.#asked;
    const words = this.#words;
    write(this.#state, say(words ? "history_searching" : "history_loading"));
    show(this.#more, false);
    this.#list.ariaBusy = "true";
    let rest = true;
    try {
      for (let found = 0; rest && !found && asked === this.#asked; ) {
        const { conversations, more, before } = await getJSON(this.#address(words));
        if (asked !== this.#asked) return;
        [this.#before, rest, found] = [before ?? this.#before, more, conversations.length];
        for (const conversation of conversations) this.#append(conversation, words);
      }
      this.#tellEmpty();
    } catch (error) {
      if (asked !== this.#asked) return;
      this.#failed = true;
      write(this.#state, error.message);
    } finally {
      if (asked === this.#asked) {
        this.#loading = false;
        this.#list.ariaBusy = "false";
        write(this.#more, say(this.#failed ? "try_again" : "show_more"));
        show(this.#more, rest);
      }
    }
  }

  #address(words) {
    const query = new URLSearchParams();
    if (words) query.set("q", words);
    if (this.#before !== null) query.set("before", this.#before);
    return `${this.#site.urls.history}?${query}`;
  }

  #append(conversation, words) {
    const name = dayGroup(conversation.updated);
    let group = this.#list.lastElementChild;
    if (group?.dataset.day !== name) {
      group = fromTemplate("history-group");
      group.dataset.day = part(group, "day").textContent = name;
      this.#list.append(group);
    }
    part(group, "entries").append(new HistoryEntry(conversation, words, this.#site, this.#actions).element);
  }

  #tellEmpty() {
    const words = this.#words;
    const nothing = words ? say("history_nothing_found", { words }) : say("history_empty");
    write(this.#state, this.#list.children.length ? "" : nothing);
  }

  #removed(entry) {
    const links = [...this.#list.querySelectorAll(".history-link")];
    const place = links.indexOf(entry.querySelector(".history-link"));
    const group = entry.closest("section");
    entry.remove();
    if (!group.querySelector("li")) group.remove();
    this.#tellEmpty();
    (links[place + 1] ?? links[place - 1] ?? part(this.#dialog, "close")).focus();
  }
}
