// Votes and flags: sent over HTTP, stored at once, confirmed beside the reply.
import { fromTemplate, part } from "../lib/dom.js";
import { address, postJSON } from "../lib/http.js";

export class Feedback {
  #dialog = document.getElementById("flag");
  #site;
  #reply = null;

  /** `site`: urls, csrf_token, flag_reasons; `onStored({message, vote, flagged})`, `onProblem(words)`. */
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
      this.onProblem(error.message);
    }
  }

  askWhy(reply) {
    this.#reply = reply;
    this.#dialog.querySelector("form").reset();
    this.#dialog.querySelector("input").checked = true;
    part(this.#dialog, "problem").textContent = "";
    this.#dialog.showModal();
  }

  async #flag() {
    const form = this.#dialog.querySelector("form");
    const reason = new FormData(form).get("reason");
    const comment = form.querySelector("textarea").value;
    try {
      const url = address(this.#site.urls.flag, { message: this.#reply.id });
      await postJSON(url, { reason, comment }, this.#site.csrf_token);
      this.#dialog.close();
      this.onStored({ message: this.#reply.id, vote: this.#reply.vote, flagged: true });
    } catch (error) {
      part(this.#dialog, "problem").textContent = error.message;
    }
  }
}
