// The conversation on screen: one element per message, kept while the message stays, changed where it changed.
import { show } from "../lib/dom.js";
import { onNextFrame } from "../lib/frames.js";
import { Question } from "./question.js";
import { Reply } from "./reply.js";

const A_TURN = 2; // messages: a question and its reply
const AT_FIRST = 6; // messages, which fill a screen

export class Log {
  #root = document.getElementById("log");
  #welcome = document.getElementById("welcome");
  #shown = new Map(); // message id → component
  #conversation;
  #failed = false; // the site will not give this conversation
  #wanted = null; // the message to be brought into sight
  #changed = new Set();
  #options;
  #draw = () => this.#update();

  /**
   * `options`: actions and titleOf for messages; hold(element, work) keeps an element in its place on
   * screen, show(element) brings one there; drawn() hears that all there is is drawn.
   */
  constructor(options) {
    this.#options = options;
  }

  /** Show another conversation. */
  reset(conversation) {
    this.#conversation = conversation;
    this.#failed = false;
    this.#shown.clear();
    this.#root.replaceChildren();
    this.refresh();
  }

  /** Wait for this conversation's messages no longer. */
  fail() {
    this.#failed = true;
    this.refresh();
  }

  /** Bring this message into sight once it is drawn. */
  reveal(id) {
    this.#wanted = id;
    this.refresh();
  }

  /** Draw these messages again, at the next frame; with none, only see which messages there are. */
  refresh(ids = []) {
    for (const id of ids) this.#changed.add(id);
    onNextFrame(this.#draw);
  }

  #update() {
    const whole = this.#conversation.path();
    // What is in sight comes first, and what is above it with the next frame.
    const path = this.#shown.size ? whole : whole.slice(-AT_FIRST);
    if (path.length < whole.length) this.refresh();
    const kept = path.findIndex(({ id }) => this.#shown.has(id));
    const draw = () => this.#drawPath(path);
    if (kept > 0) this.#options.hold(this.#shown.get(path[kept].id).element, draw);
    else draw();
    const wanted = this.#shown.get(this.#wanted)?.element;
    if (wanted) this.#options.show(wanted);
    if (wanted || path.length === whole.length) this.#wanted = null;
    if (path.length === whole.length) this.#options.drawn();
  }

  #drawPath(path) {
    const wanted = path.map(({ id }) => id);
    const added = wanted.filter((id) => !this.#shown.has(id)).length;
    // A reader of the screen hears what is said now, not whole pages of what was said before.
    const live = added > A_TURN ? "off" : "polite";
    if (this.#root.ariaLive !== live) this.#root.ariaLive = live;
    for (const [id, component] of this.#shown) {
      if (wanted.includes(id)) continue;
      component.element.remove();
      this.#shown.delete(id);
    }
    path.forEach((message, index) => {
      const component = this.#shown.get(message.id) ?? this.#add(message, path[index - 1]?.id);
      const isLast = index === path.length - 1;
      const reply = path[index + 1];
      const refused = reply?.failure?.code.startsWith("moderation_") ? reply.failure.text : "";
      const context = `${message.siblings} ${isLast} ${refused}`;
      if (component.context === context && !this.#changed.has(message.id)) return;
      component.context = context;
      component.update(message, { isLast, refused });
    });
    this.#changed.clear();
    const busy = String(path.length === 0 && this.#conversation.id !== null && !this.#failed);
    if (this.#root.ariaBusy !== busy) this.#root.ariaBusy = busy;
    show(this.#welcome, path.length === 0 && this.#conversation.id === null);
    document.body.classList.toggle("has-messages", path.length > 0);
  }

  #add(message, before) {
    const component =
      message.role === "user"
        ? new Question(message, this.#options.actions)
        : new Reply(message, this.#options.actions, this.#options.titleOf);
    this.#shown.set(message.id, component);
    const previous = this.#shown.get(before)?.element;
    if (previous) previous.after(component.element);
    else this.#root.prepend(component.element);
    return component;
  }
}
