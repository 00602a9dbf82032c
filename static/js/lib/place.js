// Where the visitor is: the page's address and title follow the conversation, without loading the page anew.
import { address } from "./http.js";

const LONGEST_TITLE = 60;

export class Place {
  #urls;
  #siteTitle = document.title.split(" · ").at(-1);
  #onVisit;
  #first;
  #fixed;

  /** `onVisit(id or null)` hears each conversation that the visitor goes to. */
  constructor({ urls, conversation, title }, { onVisit }) {
    this.#urls = urls;
    this.#onVisit = onVisit;
    // A conversation's own page refuses to be framed, and shows what the embed hides: there the address stays,
    // and the browser's history alone remembers the conversation for a reload.
    this.#fixed = window.parent !== window || urls.new.endsWith("/embed/");
    this.#first = conversation ?? (this.#fixed ? (history.state?.conversation ?? null) : null);
    this.title(title);
    window.addEventListener("popstate", ({ state }) => this.#visit(state?.conversation ?? null));
  }

  start() {
    this.#record(this.#first, "replaceState", location.href);
    this.#onVisit(this.#first);
  }

  /** Go to a conversation, or with null to a new one. */
  go(id) {
    this.became(id);
    this.#visit(id);
  }

  /** The conversation on screen has got its id; until the site tells its title, that is how it begins. */
  became(id, beginning = "") {
    if ((history.state?.conversation ?? null) === id) return;
    this.title(beginning.trim().split("\n")[0].slice(0, LONGEST_TITLE));
    this.#record(id, "pushState", id ? address(this.#urls.conversation, { id }) : this.#urls.new);
  }

  /** Show a conversation's title, here and in the browser's. */
  title(title) {
    document.getElementById("conversation-title").textContent = title;
    document.title = title ? `${title} · ${this.#siteTitle}` : this.#siteTitle;
  }

  #visit(id) {
    this.title("");
    this.#onVisit(id);
  }

  #record(conversation, method, url) {
    history[method]({ conversation }, "", this.#fixed ? location.href : url);
  }
}
