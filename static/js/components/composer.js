// The message box: text, its limit, what is wrong with it, and the keys. It keeps the draft.
import { show, write } from "../lib/dom.js";
import { codePoints } from "../lib/text.js";
import { tab } from "../lib/storage.js";
import { say } from "../lib/words.js";

const SHOW_COUNTER_AT = 0.8; // of the limit

export class Composer {
  #form = document.getElementById("composer");
  #box = document.getElementById("message");
  #counter = document.getElementById("counter");
  #problem = document.getElementById("problem");
  #progress = document.getElementById("progress");
  #stop = document.getElementById("stop");
  #limit;
  #onEdit;

  constructor({ limit, onSend, onStop, onEdit }) {
    this.#limit = limit;
    this.#onEdit = onEdit;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      onSend();
    });
    this.#stop.addEventListener("click", onStop);
    this.#box.addEventListener("input", () => this.#edited());
    this.#box.addEventListener("keydown", (event) => {
      // While an input method composes, Enter takes its suggestion; keyCode 229 is how older browsers say so.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      onSend();
    });
  }

  get text() {
    return this.#box.value;
  }

  set text(value) {
    this.#box.value = value;
    this.#fit();
  }

  focus() {
    this.#box.focus();
  }

  /** Say what is wrong, beside the box; "" takes it away. */
  complain(words) {
    write(this.#problem, words);
    if (words) this.#box.setAttribute("aria-invalid", "true");
    else this.#box.removeAttribute("aria-invalid");
  }

  /** Say what is going on ("Sending…"); the text can't be changed meanwhile. "" ends it. */
  wait(words) {
    write(this.#progress, words);
    this.#box.readOnly = words !== "";
    this.#form.classList.toggle("is-waiting", words !== "");
  }

  offerStop(offer) {
    const hadFocus = document.activeElement === this.#stop;
    show(this.#stop, offer);
    if (!offer && hadFocus) this.focus();
  }

  /** Is the text longer than the site takes? Then say so. */
  isTooLong() {
    const count = codePoints(this.text);
    if (count <= this.#limit) return false;
    this.complain(say("too_long", { count, limit: this.#limit }));
    return true;
  }

  #edited() {
    this.complain("");
    this.#fit();
    this.#onEdit();
  }

  #fit() {
    this.#box.rows = Math.min(10, Math.max(1, this.text.split("\n").length));
    // Code points are never more than UTF-16 units: short texts need no counting.
    const near = this.text.length > this.#limit * SHOW_COUNTER_AT;
    const count = near ? codePoints(this.text) : 0;
    this.#counter.textContent = near ? say("characters_left", { count, limit: this.#limit }) : "";
    this.#counter.classList.toggle("is-over", count > this.#limit);
  }
}

/** The draft of this tab: text, images that are with the site, and the client_id under which it was sent. */
export const draft = {
  read: () => ({ text: "", images: [], clientId: null, ...tab.get("draft") }),
  write: (value) => tab.set("draft", value),
  forget: () => tab.set("draft", null),
};
