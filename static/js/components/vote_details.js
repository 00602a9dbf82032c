// What can be said beside a vote, below its reply: reasons by one click each, boxes on the images, a comment.
import { fromTemplate, part, show, write } from "../lib/dom.js";
import { tab } from "../lib/storage.js";
import { say } from "../lib/words.js";

export class VoteDetails {
  element = fromTemplate("vote-details");
  #message = null;
  #feedback;
  #onClose;

  /** `feedback` stores and knows the reasons; `images` are those that led to the reply; `onClose()`. */
  constructor(message, { feedback, images, onClose }) {
    this.#message = message;
    this.#feedback = feedback;
    this.#onClose = onClose;
    this.#comment.value = message.comment || this.#kept;
    const on = (name, action) => part(this.element, name).addEventListener("click", action);
    on("mark", () => feedback.mark(this.#message, images, (boxes) => this.#save({ boxes })));
    on("retry", () => this.#showReasons());
    on("done", () => this.#finish());
    show(part(this.element, "mark"), images.length > 0);
    this.#showReasons();
    this.update(message);
  }

  /** Show what is stored; a comment that is being written stays. */
  update(message) {
    const before = this.#message;
    this.#message = message;
    const isGood = message.vote === "up";
    write(part(this.element, "question"), say(isGood ? "why_up" : "why_down"));
    if (this.#comment.value === before.comment) this.#comment.value = message.comment;
    const count = message.boxes.length;
    write(part(this.element, "marked"), count ? say("marked", { count }) : say("mark"));
    for (const chip of this.#chips) {
      show(chip, [message.vote, "both"].includes(chip.reason.applies_to));
      chip.ariaPressed = String(message.reasons.includes(chip.reason.key));
    }
    if (before.vote !== message.vote) this.#reveal();
  }

  get #comment() {
    return this.element.querySelector("textarea");
  }

  get #chips() {
    return [...part(this.element, "reasons").children];
  }

  /** A comment that could not be stored before the page was loaded anew. */
  get #kept() {
    const kept = tab.get("comment");
    return kept?.reply === this.#message.id ? kept.text : "";
  }

  async #showReasons() {
    this.#tell(say("history_loading"));
    show(part(this.element, "retry"), false);
    try {
      const reasons = await this.#feedback.reasons();
      part(this.element, "reasons").replaceChildren(...reasons.map((reason) => this.#chip(reason)));
      this.#tell("");
      this.update(this.#message);
      this.#reveal();
    } catch (error) {
      this.#tell(error.message);
      show(part(this.element, "retry"), true);
    }
  }

  #chip(reason) {
    const chip = fromTemplate("vote-reason");
    chip.reason = reason;
    chip.textContent = reason.label;
    chip.addEventListener("click", () => {
      const given = this.#message.reasons;
      const reasons = given.includes(reason.key) ? given.filter((key) => key !== reason.key) : [...given, reason.key];
      this.#save({ reasons });
    });
    return chip;
  }

  async #finish() {
    const comment = this.#comment.value.trim();
    if (comment === this.#message.comment || (await this.#save({ comment }))) this.#onClose();
  }

  async #save(values) {
    this.#tell(say("saving"));
    const error = await this.#feedback.detail(this.#message, values);
    this.#tell(error ? error.message : "");
    tab.set("comment", error ? { reply: this.#message.id, text: this.#comment.value } : null);
    return !error;
  }

  #tell(words) {
    write(part(this.element, "state"), words);
  }

  /** Keep what has just grown in sight, below a reply that may be the last thing on the page. */
  #reveal() {
    requestAnimationFrame(() => this.element.scrollIntoView({ block: "nearest" }));
  }
}
