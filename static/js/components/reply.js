// One reply: its text as it grows, what it waits for, how it ended, and the buttons below it.
import { isLive } from "../lib/conversation.js";
import { fromTemplate, part, show, write } from "../lib/dom.js";
import { say } from "../lib/words.js";
import { copyText, RichText } from "./rich_text.js";

export class Reply {
  element = fromTemplate("reply");
  #message = null;
  #siblings = [];
  #text;
  #actions;
  #details = null;

  /**
   * `actions`: vote(message, value), prefer(message), details(message, onClose) gives a component, flag(message),
   * again(message), goOn(message), choose(id); `titleOf(model name)`.
   */
  constructor(message, actions, titleOf) {
    this.element.dataset.message = message.id;
    this.#text = new RichText(part(this.element, "text"));
    write(part(this.element, "name"), titleOf(message.model));
    const on = (name, action) => part(this.element, name).addEventListener("click", action);
    this.#actions = actions;
    on("up", () => this.#vote("up"));
    on("down", () => this.#vote("down"));
    on("better", () => actions.prefer(this.#message));
    on("details-open", () => this.#openDetails());
    on("flag", () => actions.flag(this.#message));
    on("again", () => actions.again(this.#message));
    on("continue", () => actions.goOn(this.#message));
    on("previous", () => actions.choose(this.#siblings[this.#siblings.indexOf(this.#message.id) - 1]));
    on("next", () => actions.choose(this.#siblings[this.#siblings.indexOf(this.#message.id) + 1]));
    on("copy", async () => {
      await copyText(this.#message.text);
      this.#confirm(say("copied"));
    });
  }

  update(message, { siblings, isLast }) {
    this.#message = message;
    this.#siblings = siblings;
    const live = isLive(message);
    this.element.dataset.state = message.state;
    // A reader of the screen hears states and the whole text at its end, not each word.
    this.element.ariaBusy = live ? "true" : "false";
    this.element.setAttribute("aria-live", live ? "off" : "polite");
    this.#text.update(message.text, { done: !live });
    this.#showWaiting(message, live);
    this.#showEnding(message);
    show(part(this.element, "tools"), !live);
    show(part(this.element, "again"), isLast);
    show(part(this.element, "continue"), isLast && brokeOff(message) && message.continuable && message.text !== "");
    this.#showVariants(message, siblings);
    this.#showFeedback(message);
  }

  async #vote(value) {
    await this.#actions.vote(this.#message, value);
    if (this.#message.vote === value) this.#openDetails();
  }

  #openDetails() {
    if (this.#details) return;
    this.#details = this.#actions.details(this.#message, () => {
      this.#closeDetails();
      part(this.element, "details-open").focus();
    });
    this.element.append(this.#details.element);
    this.#showFeedback(this.#message);
  }

  #closeDetails() {
    this.#details?.element.remove();
    this.#details = null;
    this.#showFeedback(this.#message);
  }

  #showWaiting(message, live) {
    write(part(this.element, "waiting-text"), message.state === "queued" ? inLine(message) : say("first_word"));
    show(part(this.element, "waiting"), live && (message.text === "" || message.state === "queued"));
  }

  #showEnding(message) {
    const ending = part(this.element, "ending");
    const partial = message.text === "" ? "" : ` ${say("partial")}`;
    if (message.state === "stopped") write(ending, say("stopped") + partial);
    else write(ending, (message.failure?.text ?? say("failed")) + (message.failure ? partial : ""));
    ending.classList.toggle("is-problem", message.state !== "stopped");
    show(ending, brokeOff(message));
  }

  #showVariants(message, siblings) {
    const index = siblings.indexOf(message.id);
    show(part(this.element, "variants"), siblings.length > 1);
    write(part(this.element, "variant"), say("variant", { index: index + 1, count: siblings.length }));
    part(this.element, "previous").disabled = index === 0;
    part(this.element, "next").disabled = index === siblings.length - 1;
  }

  #showFeedback(message) {
    part(this.element, "up").ariaPressed = String(message.vote === "up");
    part(this.element, "down").ariaPressed = String(message.vote === "down");
    const better = part(this.element, "better");
    show(better, this.#siblings.length > 1 && message.text !== "" && !isLive(message));
    better.ariaPressed = String(message.preferred);
    if (!message.vote && this.#details) return this.#closeDetails();
    this.#details?.update(message);
    const opener = part(this.element, "details-open");
    show(opener, Boolean(message.vote) && !this.#details);
    part(this.element, "flag").classList.toggle("is-flagged", message.flagged);
    const words = [
      { up: say("voted_up"), down: say("voted_down") }[message.vote] ?? "",
      message.flagged ? say("flagged") : "",
    ];
    write(part(this.element, "feedback"), words.filter(Boolean).join(" "));
  }

  #confirm(words) {
    const feedback = part(this.element, "feedback");
    feedback.textContent = words;
    setTimeout(() => this.#showFeedback(this.#message), 2000);
  }
}

const brokeOff = ({ state }) => ["stopped", "failed", "interrupted"].includes(state);

/** Say where a reply is in line, and how long that may take. */
function inLine({ position, seconds }) {
  if (!position) return say("waiting");
  if (seconds === null || seconds === undefined) return say("in_line", { position });
  const [fives, minutes] = [5 * Math.ceil(seconds / 5), Math.round(seconds / 60)];
  return seconds < 90 ? say("in_line_seconds", { position, seconds: fives }) : say("in_line_minutes", { position, minutes });
}
