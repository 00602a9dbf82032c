// Votes, preferences and flags: sent over HTTP, stored at once, confirmed beside the reply.
import { fromTemplate, part, show } from "../lib/dom.js";
import { address, getJSON, offline, postJSON } from "../lib/http.js";
import { tab } from "../lib/storage.js";
import { VoteDetails } from "./vote_details.js";

export class Feedback {
  #dialog = document.getElementById("flag");
  #boxEditor = null; // comes when the first box is to be drawn
  #site;
  #reply = null;
  #reasons = null;

  /** `site`: urls, csrf_token, flag_reasons; `onStored(reply, what now holds of it)`, `onProblem(error)`. */
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

  /** Vote "up" or "down"; the same vote again takes it back. A comment and boxes stay when the vote turns round. Gives the error, or null. */
  vote(reply, value) {
    const { comment, boxes } = reply;
    if (reply.vote === value) return this.#store(reply, "vote", { value: null });
    return this.#store(reply, "vote", { value, reasons: [], comment, boxes });
  }

  /** Change reasons, comment or boxes of a vote; gives the error, or null. */
  detail(reply, values) {
    const { vote, reasons, comment, boxes } = { ...reply, ...values };
    return this.#store(reply, "vote", { value: vote, reasons, comment, boxes });
  }

  /** Mark a reply as better than its other variants, or take that back; gives the error, or null. */
  prefer(reply) {
    return this.#store(reply, "preference", { preferred: !reply.preferred });
  }

  /** Make what can be said beside the vote for `reply`; `images` are those that led to it. */
  details(reply, images, onClose) {
    return new VoteDetails(reply, { feedback: this, images, onClose });
  }

  /** Let the visitor draw boxes on `images`. */
  async mark(reply, images, onDone) {
    try {
      this.#boxEditor ??= new (await import("./box_editor.js")).BoxEditor();
      this.#boxEditor.open({ images, boxes: reply.boxes, value: reply.vote, onDone });
    } catch {
      this.onProblem(offline());
    }
  }

  /** What votes may give as reasons; asked for once. */
  reasons() {
    this.#reasons ??= getJSON(this.#site.urls.vote_reasons).then(({ reasons }) => reasons);
    this.#reasons.catch(() => (this.#reasons = null));
    return this.#reasons;
  }

  async #store(reply, what, body) {
    try {
      const said = await postJSON(address(this.#site.urls[what], { message: reply.id }), body, this.#site.csrf_token);
      this.onStored(reply, said);
      return null;
    } catch (error) {
      if (error.needsReload) this.onProblem(error);
      return error;
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
      const said = await postJSON(url, this.#report, this.#site.csrf_token);
      tab.set("flag", null);
      this.#dialog.close();
      this.onStored(this.#reply, said);
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
