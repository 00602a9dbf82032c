// The text of a reply: what the model thought, folded, and its answer below.
import { fromTemplate, partsOf, show, write } from "../lib/dom.js";
import { parted } from "../lib/thinking.js";
import { say } from "../lib/words.js";
import { RichText } from "./rich_text.js";

export class ReplyText {
  #element;
  #answer;
  #done = false;
  #thought = null;
  #fold = null; // made for the first thought
  #parts;
  #thoughts;

  /** `options` of RichText. */
  constructor(element, options) {
    this.#element = element;
    this.#answer = new RichText(element, options);
  }

  /** Show `text`, see RichText. */
  update(text, { done }) {
    const { thought, isThinking, answer } = parted(text, { done });
    this.#thought = thought;
    this.#done = !isThinking;
    if (thought !== null) this.#showFold(isThinking);
    else if (this.#fold) show(this.#fold, false);
    this.#answer.update(answer, { done });
  }

  #showFold(isThinking) {
    if (!this.#fold) {
      this.#fold = fromTemplate("thinking");
      this.#parts = partsOf(this.#fold);
      this.#thoughts = new RichText(this.#parts.thoughts);
      this.#fold.addEventListener("toggle", () => this.#draw());
      this.#element.before(this.#fold);
    }
    show(this.#fold, true);
    show(this.#parts.dots, isThinking);
    write(this.#parts.title, say(isThinking ? "thinking" : "thoughts"));
    this.#draw();
  }

  /** What nobody looks at costs nothing. */
  #draw() {
    if (this.#fold.open) this.#thoughts.update(this.#thought, { done: this.#done });
  }
}
