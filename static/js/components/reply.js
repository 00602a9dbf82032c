// One reply: its text as it grows, what it waits for, how it ended, and the buttons below it.
import { copyText } from "../lib/clipboard.js";
import { isLive } from "../lib/conversation.js";
import { fromTemplate, partsOf, press, show, write } from "../lib/dom.js";
import { paceIn } from "../lib/pace.js";
import { parted } from "../lib/thinking.js";
import { say } from "../lib/words.js";
import { ReplyText } from "./reply_text.js";
import { Versions } from "./versions.js";

export class Reply {
  element = fromTemplate("reply");
  #parts = partsOf(this.element); // found once: later the text is in the way
  #message = null;
  #text;
  #versions;
  #actions;
  #details = null;
  #problem = ""; // why the last vote could not be stored

  /**
   * `actions`: vote(message, value), prefer(message), details(message, onClose) promises a component, flag(message),
   * inspect(message), again(message), goOn(message), choose(id), imagesBefore(message), look(image id, options);
   * `titleOf(model name)`.
   */
  constructor(message, actions, titleOf) {
    this.element.dataset.message = message.id;
    const places = ({ Places, loadStyle }) => {
      if (isLive(message)) loadStyle();
      return new Places(this.#parts.places, this.#parts.text, message, actions);
    };
    this.#text = new ReplyText(this.#parts.text, { places });
    write(this.#parts.name, titleOf(message.model));
    const on = (name, action) => this.#parts[name].addEventListener("click", action);
    this.#actions = actions;
    on("up", () => this.#vote("up"));
    on("down", () => this.#vote("down"));
    on("better", () => this.#try(actions.prefer(this.#message)));
    on("details-open", () => this.#openDetails());
    on("inspect", () => actions.inspect(this.#message));
    on("flag", () => actions.flag(this.#message));
    on("again", () => actions.again(this.#message));
    on("continue", () => actions.goOn(this.#message));
    this.#versions = new Versions(this.#parts.tools, actions.choose);
    on("copy", async () => {
      await copyText(parted(this.#message.text, { done: true }).answer);
      this.#confirm(say("copied"));
    });
  }

  update(message, { isLast }) {
    this.#message = message;
    const live = isLive(message);
    this.#text.update(message.text, { done: !live });
    if (this.element.dataset.state !== message.state) {
      this.element.dataset.state = message.state;
      this.element.ariaBusy = live ? "true" : "false";
    }
    this.#showWaiting(message, live);
    this.#showEnding(message, isLast);
    show(this.#parts.tools, !live);
    write(this.#parts.pace, live ? "" : paceIn(message));
    show(this.#parts.again, isLast);
    show(this.#parts.continue, isLast && isPart(message) && message.continuable && message.text !== "");
    this.#versions.update(message);
    this.#showFeedback(message);
  }

  async #vote(value) {
    await this.#try(this.#actions.vote(this.#message, value));
    if (this.#message.vote === value) this.#openDetails();
  }

  /** Say beside the buttons why what they do could not be done; `stored` gives the error, or null. */
  async #try(stored) {
    this.#problem = (await stored)?.message ?? "";
    this.#showFeedback(this.#message);
  }

  async #openDetails() {
    if (this.#details) return;
    const details = await this.#actions.details(this.#message, () => {
      this.#closeDetails();
      this.#parts["details-open"].focus();
    });
    if (!details || this.#details) return;
    this.#details = details;
    this.element.append(details.element);
    this.#showFeedback(this.#message);
  }

  #closeDetails() {
    this.#details?.element.remove();
    this.#details = null;
    this.#showFeedback(this.#message);
  }

  #showWaiting(message, live) {
    write(this.#parts["waiting-text"], message.state === "queued" ? inLine(message) : say("first_word"));
    show(this.#parts.waiting, live && (message.text === "" || message.state === "queued"));
  }

  #showEnding(message, isLast) {
    const ending = this.#parts.ending;
    const words = endingOf(message, isLast);
    if (words && message.text !== "" && !message.cut) write(ending, say("partial", { words }));
    else write(ending, words ?? say("failed"));
    ending.classList.toggle("is-problem", ["failed", "interrupted"].includes(message.state));
    show(ending, isPart(message));
    write(this.#parts.notice, message.notice ?? "");
    show(this.#parts.notice, Boolean(message.notice));
  }

  #showFeedback(message) {
    press(this.#parts.up, message.vote === "up");
    press(this.#parts.down, message.vote === "down");
    const better = this.#parts.better;
    show(better, message.siblings.length > 1 && message.text !== "" && !isLive(message));
    press(better, message.preferred);
    if (!message.vote && this.#details) return this.#closeDetails();
    this.#details?.update(message);
    const opener = this.#parts["details-open"];
    show(opener, Boolean(message.vote) && !this.#details);
    this.#parts.flag.classList.toggle("is-flagged", message.flagged);
    const words = [
      { up: say("voted_up"), down: say("voted_down") }[message.vote] ?? "",
      message.flagged ? say("flagged") : "",
    ];
    write(this.#parts.feedback, this.#problem || words.filter(Boolean).join(" "));
    this.#parts.feedback.classList.toggle("problem", this.#problem !== "");
  }

  #confirm(words) {
    const feedback = this.#parts.feedback;
    feedback.textContent = words;
    setTimeout(() => this.#showFeedback(this.#message), 2000);
  }
}

const isPart = ({ state, cut }) => cut || ["stopped", "failed", "interrupted"].includes(state);

/** Say why a reply is not whole, if that is known, and of one that its limit cut what can be done. */
function endingOf({ state, cut, continuable, failure }, isLast = false) {
  if (cut) return say(continuable && isLast ? "cut_continuable" : "cut");
  return state === "stopped" ? say("stopped") : failure?.text;
}

/** Say where a reply is in line, and how long that may take. */
function inLine({ position, seconds }) {
  if (!position) return say("waiting");
  if (seconds === null || seconds === undefined) return say("in_line", { position });
  const [fives, minutes] = [5 * Math.ceil(seconds / 5), Math.round(seconds / 60)];
  return seconds < 90 ? say("in_line_seconds", { position, seconds: fives }) : say("in_line_minutes", { position, minutes });
}
