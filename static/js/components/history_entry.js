// One conversation in the history: where it is, what was found in it, its title to be changed, its end.
import { fromTemplate, part, show, write } from "../lib/dom.js";
import { address, postJSON } from "../lib/http.js";
import { moment, say } from "../lib/words.js";

export class HistoryEntry {
  element = fromTemplate("history-entry");
  #id;
  #title;
  #words;
  #site;
  #actions;

  /** `words` are what was searched for, or ""; `actions`: open(id, message), remove(id, title), removed(element), titled(id, title). */
  constructor({ id, title, model, updated, message, excerpt }, words, site, actions) {
    [this.#id, this.#words, this.#site, this.#actions] = [id, words, site, actions];
    const link = part(this.element, "link");
    // In a frame it is a button: a conversation of a frame's visitor opens there only, and in no tab of its own.
    if (!site.frame) link.href = address(site.urls.conversation, { id });
    if (!site.frame && location.pathname === link.pathname) link.setAttribute("aria-current", "page");
    link.addEventListener("click", (event) => {
      if (link.href && (event.ctrlKey || event.metaKey || event.shiftKey)) return;
      event.preventDefault();
      actions.open(id, message);
    });
    part(this.element, "model").textContent = model;
    const time = part(this.element, "updated");
    time.dateTime = new Date(updated * 1000).toISOString();
    time.textContent = moment(updated);
    part(this.element, "excerpt").append(...marked(excerpt, words));
    show(part(this.element, "excerpt"), excerpt !== "");
    part(this.element, "remove").addEventListener("click", async () => {
      if (await actions.remove(id, this.#title)) actions.removed(this.element);
    });
    this.#prepareRenaming();
    this.#call(title);
  }

  #call(title) {
    this.#title = title;
    const name = title || say("untitled");
    part(this.element, "title").replaceChildren(...marked(name, this.#words));
    const remove = part(this.element, "remove");
    remove.ariaLabel = remove.title = say("delete_entry", { title: name });
    const rename = part(this.element, "rename");
    rename.ariaLabel = rename.title = say("rename_entry", { title: name });
  }

  #prepareRenaming() {
    const form = part(this.element, "form");
    part(this.element, "rename").addEventListener("click", () => {
      part(form, "new-title").value = this.#title;
      this.#showForm(true);
      part(form, "new-title").select();
    });
    part(form, "cancel").addEventListener("click", () => this.#showForm(false));
    form.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.isComposing) return;
      event.preventDefault(); // the drawer stays open
      event.stopPropagation();
      this.#showForm(false);
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#rename(part(form, "new-title").value);
    });
  }

  async #rename(wanted) {
    const { urls, csrf_token: token } = this.#site;
    try {
      const { title } = await postJSON(address(urls.rename, { id: this.#id }), { title: wanted }, token);
      this.#call(title);
      this.#showForm(false);
      this.#actions.titled(this.#id, title);
    } catch (error) {
      write(part(this.element, "problem"), error.message);
    }
  }

  #showForm(visible) {
    write(part(this.element, "problem"), "");
    show(part(this.element, "form"), visible);
    show(part(this.element, "row"), !visible);
    if (!visible) part(this.element, "rename").focus();
  }
}

/** Give a text as nodes in which each of the `words` is marked. */
function marked(text, words) {
  if (!words) return [text];
  const pattern = new RegExp(`(${words.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/\s+/g, "\\s+")})`, "giu");
  return text.split(pattern).map((piece, index) => {
    if (index % 2 === 0) return piece;
    const mark = document.createElement("mark");
    mark.textContent = piece;
    return mark;
  });
}
