// What stands beside a message: how many versions of it there are, and the way to the one before and after.
import { part, show, write } from "../lib/dom.js";
import { say } from "../lib/words.js";

export class Versions {
  #root;
  #message = null;

  /** `choose(id)` hears which one is wanted. */
  constructor(root, choose) {
    this.#root = root;
    part(root, "previous").addEventListener("click", () => choose(this.#beside(-1)));
    part(root, "next").addEventListener("click", () => choose(this.#beside(1)));
  }

  update(message) {
    this.#message = message;
    const { siblings } = message;
    show(part(this.#root, "variants"), siblings.length > 1);
    if (siblings.length === 1) return;
    write(
      part(this.#root, "variant"),
      say("variant", { index: siblings.indexOf(message.id) + 1, count: siblings.length }),
    );
    part(this.#root, "previous").disabled = !this.#beside(-1);
    part(this.#root, "next").disabled = !this.#beside(1);
  }

  #beside(step) {
    const { id, siblings } = this.#message;
    return siblings[siblings.indexOf(id) + step];
  }
}
