// Where the visitor is: the page's address and title follow the conversation, without loading the page anew.
import { address } from "./http.js";
import { tab } from "./storage.js";
import { firstCodePoints } from "./text.js";

const LONGEST_TITLE = 60; // characters

export class Place {
  #urls;
  #siteTitle = document.title.split(" · ").at(-1);
  #onVisit;
  #first;
  #fixed;

  /** `onVisit(id or null, message or null)` hears each conversation that the visitor goes to, and the message in it. */
  constructor({ urls, conversation, title, frame }, { onVisit }) {
    this.#urls = urls;
    this.#onVisit = onVisit;
    // A conversation's own page refuses to be framed, and shows what the embed hides: there the address stays, and the
    // tab remembers the conversation for a reload, also of the page around it.
    this.#fixed = frame !== null;
    this.#first = conversation ?? (this.#fixed ? (tab.get("conversation") ?? history.state?.conversation ?? null) : null);
    this.title(title);
    window.addEventListener("popstate", ({ state }) => {
      if (this.#fixed) tab.set("conversation", state?.conversation ?? null);
      this.#visit(state?.conversation ?? null);
    });
  }

  start() {
    this.#record(this.#first, "replaceState", location.href);
    this.#onVisit(this.#first);
  }

  /** Go to a conversation, and to a message in it; or with null to a new one. */
  go(id, message = null) {
    this.became(id);
    this.#visit(id, message);
  }

  /** The conversation on screen has got its id; until the site tells its title, that is how it begins. */
  became(id, beginning = "") {
    if ((history.state?.conversation ?? null) === id) return;
    this.title(firstCodePoints(beginning.trim().split("\n")[0], LONGEST_TITLE));
    this.#record(id, "pushState", id ? address(this.#urls.conversation, { id }) : this.#urls.new);
  }

  /** Show a conversation's title, here and in the browser's. */
  title(title) {
    document.getElementById("conversation-title").textContent = title;
    document.title = title ? `${title} · ${this.#siteTitle}` : this.#siteTitle;
  }

  #visit(id, message = null) {
    this.title("");
    this.#onVisit(id, message);
  }

  #record(conversation, method, url) {
    if (this.#fixed) tab.set("conversation", conversation);
    history[method]({ conversation }, "", this.#fixed ? location.href : url);
  }
}
