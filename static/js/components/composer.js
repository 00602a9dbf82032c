// The message box: text, its limit, what is wrong with it, and the keys in it.
import { part, show, write } from "../lib/dom.js";
import { codePoints } from "../lib/text.js";
import { say } from "../lib/words.js";

const SHOW_COUNTER_AT = 0.8; // of the limit

export class Composer {
  #form = document.getElementById("composer");
  #box = document.getElementById("message");
  #counter = document.getElementById("counter");
  #problem = document.getElementById("problem");
  #progress = document.getElementById("progress");
  #stop = document.getElementById("stop");
  #changing = document.getElementById("changing");
  #most;
  #limit;
  #onInput;

  /**
   * `onSend`, `onStop`, `onInput` (the text is another), `onUp` (arrow up in an empty box) and `onCancel` (an earlier
   * message is not to be changed after all) hear what the visitor does.
   */
  constructor({ limit, onSend, onStop, onInput, onUp, onCancel }) {
    this.#most = this.#limit = limit;
    this.#onInput = onInput;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      onSend();
    });
    this.#stop.addEventListener("click", onStop);
    part(this.#changing, "cancel").addEventListener("click", onCancel);
    this.#box.addEventListener("input", () => this.#edited());
    this.#box.addEventListener("keydown", (event) => {
      // While an input method composes, keys are its own; keyCode 229 is how older browsers say so.
      if (event.isComposing || event.keyCode === 229) return;
      const sends = event.key === "Enter" && !event.shiftKey;
      if (!sends && !(event.key === "ArrowUp" && this.text === "")) return;
      event.preventDefault();
      if (sends) onSend();
      else onUp();
    });
  }

  get text() {
    return this.#box.value;
  }

  set text(value) {
    this.#box.value = value;
    this.#fit();
  }

  /** Go to the end of the text. */
  focus() {
    this.#box.focus();
    this.#box.setSelectionRange(this.text.length, this.text.length);
  }

  /** Tell that the text is to stand beside an earlier message. */
  tellChanging(changing) {
    show(this.#changing, changing);
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

  /** Take no more characters than a model does; null: than the site does. */
  limitTo(characters) {
    this.#limit = Math.min(this.#most, characters ?? this.#most);
    this.#fit();
  }

  /** Is the text longer than site and model take? Then say so. */
  isTooLong() {
    const count = codePoints(this.text);
    if (count <= this.#limit) return false;
    this.complain(say("too_long", { count, limit: this.#limit }));
    return true;
  }

  #edited() {
    this.complain("");
    this.#fit();
    this.#onInput();
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
