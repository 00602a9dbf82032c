// The keys that work everywhere on the page, and the dialog that lists all of them.
import { part } from "../lib/dom.js";
import { browser } from "../lib/storage.js";

const TYPED_INTO = "input:not([type=range], [type=checkbox], [type=radio]), textarea, select, [contenteditable]";

export class Keys {
  #dialog = document.getElementById("keys");
  #single = part(this.#dialog, "single");
  #actions;

  /** `actions`: focus() goes to the message box; cancel() and stop() give whether there was something to end. */
  constructor(actions) {
    this.#actions = actions;
    // Speech input and shaking hands press single keys by accident: whoever needs to can switch them off.
    this.#single.checked = browser.get("single-keys") ?? true;
    this.#single.addEventListener("change", () => browser.set("single-keys", this.#single.checked));
    part(this.#dialog, "close").addEventListener("click", () => this.#dialog.close());
    for (const opener of document.querySelectorAll("[data-opens='keys']")) {
      opener.addEventListener("click", () => this.#dialog.showModal());
    }
    document.addEventListener("keydown", (event) => this.#pressed(event));
  }

  #pressed(event) {
    if (event.defaultPrevented || event.isComposing || event.keyCode === 229) return;
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") return void (this.#actions.cancel() || this.#actions.stop());
    if (!this.#single.checked || event.target.closest?.(TYPED_INTO)) return;
    const action = { "/": this.#actions.focus, "?": () => this.#dialog.showModal() }[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }
}
