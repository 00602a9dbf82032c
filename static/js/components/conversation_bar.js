// The buttons above a conversation: share it, delete it, begin a new one.
import { show } from "../lib/dom.js";

export class ConversationBar {
  #share = document.getElementById("share-open");
  #delete = document.getElementById("delete");

  /** `options`: what happens at each button: share(), remove(title), begin(). */
  constructor({ share, remove, begin }) {
    const title = document.getElementById("conversation-title");
    this.#share.addEventListener("click", share);
    this.#delete.addEventListener("click", () => remove(title.textContent));
    document.getElementById("clear").addEventListener("click", begin);
  }

  /** Offer what can be done with this conversation: nothing before it has an id. */
  refresh({ id }) {
    for (const button of [this.#share, this.#delete]) show(button, id !== null);
  }
}
