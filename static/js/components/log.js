// The conversation on screen: one element per message, kept while the message stays, changed where it changed.
import { show } from "../lib/dom.js";
import { onNextFrame } from "../lib/frames.js";
import { Question } from "./question.js";
import { Reply } from "./reply.js";

export class Log {
  #root = document.getElementById("log");
  #welcome = document.getElementById("welcome");
  #shown = new Map(); // message id → component
  #conversation;
  #changed = new Set();
  #options;
  #draw = () => this.#update();

  /** `options`: actions and titleOf for replies. */
  constructor(options) {
    this.#options = options;
  }

  /** Show another conversation. */
  reset(conversation) {
    this.#conversation = conversation;
    this.#shown.clear();
    this.#root.replaceChildren();
    this.refresh();
  }

  /** Draw these messages again, at the next frame; with none, only see which messages there are. */
  refresh(ids = []) {
    for (const id of ids) this.#changed.add(id);
    onNextFrame(this.#draw);
  }

  #update() {
    const path = this.#conversation.path();
    const wanted = path.map(({ message }) => message.id);
    for (const [id, component] of this.#shown) {
      if (wanted.includes(id)) continue;
      component.element.remove();
      this.#shown.delete(id);
    }
    path.forEach(({ message, siblings }, index) => {
      const component = this.#shown.get(message.id) ?? this.#add(message, path[index - 1]?.message.id);
      const isLast = index === path.length - 1;
      const reply = path[index + 1]?.message;
      const refused = reply?.failure?.code.startsWith("moderation_") ? reply.failure.text : "";
      const context = `${siblings} ${isLast} ${refused}`;
      if (component.context === context && !this.#changed.has(message.id)) return;
      component.context = context;
      component.update(message, { siblings, isLast, refused });
    });
    this.#changed.clear();
    show(this.#welcome, path.length === 0 && this.#conversation.id === null);
    document.body.classList.toggle("has-messages", path.length > 0);
  }

  #add(message, before) {
    const component =
      message.role === "user"
        ? new Question(message)
        : new Reply(message, this.#options.actions, this.#options.titleOf);
    this.#shown.set(message.id, component);
    const previous = this.#shown.get(before)?.element;
    if (previous) previous.after(component.element);
    else this.#root.prepend(component.element);
    return component;
  }
}
