// What the visitor says that an image shows, below the image in the dialog that shows it large.
import { part, show, write } from "../lib/dom.js";
import { CallError } from "../lib/http.js";
import { say } from "../lib/words.js";

export class Description {
  #form;
  #field;
  #image = null;
  #describe = null;

  /** `dialog` has the form and its parts. */
  constructor(dialog) {
    this.#form = part(dialog, "describing");
    this.#field = part(dialog, "description");
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.keep();
    });
    this.#form.addEventListener("input", () => this.#tell("", ""));
  }

  /** Let `image` be described by `describe(image, text)`, or none where that is null. */
  show(image, describe) {
    [this.#image, this.#describe] = [image, describe];
    show(this.#form, describe !== null);
    this.#field.value = image.description ?? "";
    this.#tell("", "");
  }

  /** Store what is written, if it is new: nobody has to press the button before going on. */
  async keep() {
    const [image, text] = [this.#image, this.#field.value];
    if (!this.#describe || text === (image.description ?? "")) return;
    const isShown = () => image === this.#image;
    this.#tell(say("saving"), "");
    try {
      await this.#describe(image, text);
      if (isShown()) this.#tell(say("saved"), "");
    } catch (error) {
      if (isShown()) this.#tell("", error instanceof CallError ? error.message : say("call_failed"));
    }
  }

  #tell(state, problem) {
    write(part(this.#form, "description-state"), state);
    write(part(this.#form, "description-problem"), problem);
  }
}
