// The terms that come before the first message, and again when there is a new version.
import { part } from "../lib/dom.js";
import { getJSON, postJSON } from "../lib/http.js";
import { RichText } from "./rich_text.js";

export class Consent {
  #dialog = document.getElementById("terms");
  #text = new RichText(part(this.#dialog, "text"));
  #site;
  #asking = null;
  #answer = () => {};

  /** `site`: consent ({terms, research}), urls.consent, csrf_token. */
  constructor(site) {
    this.#site = site;
    part(this.#dialog, "cancel").addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("close", () => this.#answer(false));
    this.#dialog.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#accept();
    });
  }

  /** Are there terms that this visitor has not accepted? */
  get isMissing() {
    return this.#site.consent.terms !== null;
  }

  /** Show the terms; gives true once they are accepted, false when the visitor did not. */
  ask() {
    if (!this.isMissing) return Promise.resolve(true);
    this.#asking ??= new Promise((resolve) => {
      this.#answer = (accepted) => {
        this.#asking = null;
        this.#answer = () => {};
        resolve(accepted);
      };
      this.#show("");
      this.#dialog.showModal();
    });
    return this.#asking;
  }

  /** The same after the site refused something: there is a version that this page does not know. */
  async askAnew() {
    if (this.#asking) return this.#asking;
    await this.#renew();
    return this.ask();
  }

  /** Switch research on or off; gives what holds now. Rejects with a CallError. */
  async research(allowed) {
    this.#site.consent = await postJSON(this.#site.urls.consent, { research: allowed }, this.#site.csrf_token);
    return this.#site.consent.research;
  }

  get #version() {
    return this.#site.consent.terms.version;
  }

  async #renew() {
    this.#site.consent = await getJSON(this.#site.urls.consent);
  }

  #show(problem) {
    this.#text.update(this.#site.consent.terms.text, { done: true });
    part(this.#dialog, "problem").textContent = problem;
  }

  async #accept() {
    try {
      this.#site.consent = await postJSON(this.#site.urls.consent, { terms: this.#version }, this.#site.csrf_token);
      this.#answer(true);
      this.#dialog.close();
    } catch (error) {
      if (error.code === "terms_changed") await this.#renew().catch(() => {});
      if (this.isMissing) return this.#show(error.message);
      this.#answer(true); // there is nothing to accept any more
      this.#dialog.close();
    }
  }
}
