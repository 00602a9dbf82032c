// Votes and flags: sent over HTTP, stored at once, confirmed beside the reply.
import { fromTemplate, part, show } from "../lib/dom.js";
import { address, postJSON } from "../lib/http.js";
import { tab } from "../lib/storage.js";

export class Feedback {
  #dialog = document.getElementById("flag");
  #site;
  #reply = null;

  /** `site`: urls, csrf_token, flag_reasons; `onStored({message, vote, flagged})`, `onProblem(error)`. */
  constructor(site, { onStored, onProblem }) {
    this.#site = site;
    this.onStored = onStored;
    this.onProblem = onProblem;
    const reasons = site.flag_reasons.map(({ value, label }) => {
      const row = fromTemplate("reason");
      row.querySelector("input").value = value;
      row.querySelector("span").textContent = label;
      return row;
    });
    part(this.#dialog, "reasons").replaceChildren(...reasons);
    part(this.#dialog, "reload").addEventListener("click", () => {
      tab.set("flag", { reply: this.#reply.id, ...this.#report });
      location.reload();
    });
    part(this.#dialog, "cancel").addEventListener("click", () => this.#dialog.close());
    this.#dialog.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#flag();
    });
  }

  /** Vote "up" or "down"; the same vote again takes it back. */
  async vote(reply, value) {
    const vote = reply.vote === value ? null : value;
    try {
      const url = address(this.#site.urls.vote, { message: reply.id });
      const stored = await postJSON(url, { value: vote, reasons: [], comment: "" }, this.#site.csrf_token);
      this.onStored({ message: reply.id, vote: stored.vote, flagged: reply.flagged });
    } catch (error) {
      this.onProblem(error);
    }
  }

  askWhy(reply) {
    this.#reply = reply;
    const form = this.#dialog.querySelector("form");
    const kept = tab.get("flag");
    form.reset();
    if (kept?.reply === reply.id) {
      form.elements.reason.value = kept.reason;
      form.querySelector("textarea").value = kept.comment;
    }
    this.#complain("");
    this.#dialog.showModal();
    (form.querySelector("input:checked") ?? form.querySelector("input")).focus();
  }

  get #report() {
    const form = this.#dialog.querySelector("form");
    return { reason: form.elements.reason.value, comment: form.querySelector("textarea").value };
  }

  async #flag() {
    try {
      const url = address(this.#site.urls.flag, { message: this.#reply.id });
      await postJSON(url, this.#report, this.#site.csrf_token);
      tab.set("flag", null);
      this.#dialog.close();
      this.onStored({ message: this.#reply.id, vote: this.#reply.vote, flagged: true });
    } catch (error) {
      this.#complain(error.message, { needsReload: error.needsReload });
    }
  }

  #complain(words, { needsReload = false } = {}) {
    part(this.#dialog, "problem").textContent = words;
    const reload = part(this.#dialog, "reload");
    show(reload, needsReload);
    show(part(this.#dialog, "submit"), !needsReload);
    if (needsReload) reload.focus();
  }
}
