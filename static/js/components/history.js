// The drawer with this browser's conversations.
import { fromTemplate, part, show } from "../lib/dom.js";
import { address, getJSON } from "../lib/http.js";
import { say } from "../lib/words.js";

export class History {
  #dialog = document.getElementById("history");
  #list = part(this.#dialog, "list");
  #more = part(this.#dialog, "more");
  #state = part(this.#dialog, "state");
  #urls;
  #onOpen;
  #onDelete;
  #oldest = null;

  /**
   * `urls.history` lists, `urls.conversation` is a conversation's address; `onOpen(id)` hears the choice,
   * `onDelete(id, title)` gives whether it was deleted.
   */
  constructor({ urls, onOpen, onDelete }) {
    this.#urls = urls;
    this.#onOpen = onOpen;
    this.#onDelete = onDelete;
    document.getElementById("history-open").addEventListener("click", () => this.open());
    part(this.#dialog, "close").addEventListener("click", () => this.#dialog.close());
    this.#more.addEventListener("click", () => this.#load());
    this.#dialog.addEventListener("click", (event) => event.target === this.#dialog && this.#dialog.close());
  }

  open() {
    this.#list.replaceChildren();
    this.#oldest = null;
    this.#dialog.showModal();
    this.#load();
  }

  async #load() {
    this.#state.textContent = say("history_loading");
    show(this.#more, false);
    try {
      const query = this.#oldest === null ? "" : `?${new URLSearchParams({ before: this.#oldest })}`;
      const { conversations, more } = await getJSON(this.#urls.history + query);
      this.#list.append(...conversations.map((conversation) => this.#entry(conversation)));
      this.#oldest = conversations.at(-1)?.updated ?? this.#oldest;
      this.#tellEmpty();
      show(this.#more, more);
    } catch (error) {
      this.#state.textContent = error.message;
      show(this.#more, true);
    }
  }

  #tellEmpty() {
    this.#state.textContent = this.#list.children.length ? "" : say("history_empty");
  }

  #entry({ id, title, model, updated }) {
    const entry = fromTemplate("history-entry");
    const link = part(entry, "link");
    link.href = address(this.#urls.conversation, { id });
    part(entry, "title").textContent = title || say("untitled");
    part(entry, "model").textContent = model;
    const time = part(entry, "updated");
    const when = new Date(updated * 1000);
    time.dateTime = when.toISOString();
    time.textContent = when.toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
    if (location.pathname === link.pathname) link.setAttribute("aria-current", "page");
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.#dialog.close();
      this.#onOpen(id);
    });
    const remove = part(entry, "remove");
    remove.ariaLabel = remove.title = say("delete_entry", { title: title || say("untitled") });
    remove.addEventListener("click", async () => {
      if (!(await this.#onDelete(id, title))) return;
      const next = entry.nextElementSibling ?? entry.previousElementSibling;
      entry.remove();
      this.#tellEmpty();
      (next?.querySelector("a") ?? part(this.#dialog, "close")).focus();
    });
    return entry;
  }
}
