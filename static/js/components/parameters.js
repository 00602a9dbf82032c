// Generation parameters: sliders with their values, kept in this browser.
import { part } from "../lib/dom.js";
import { browser } from "../lib/storage.js";
import { number } from "../lib/words.js";

export class Parameters {
  #root = document.getElementById("parameters");
  #ranges;
  #wanted; // as the visitor set them; a model may take less
  #lent = {}; // as an example sets them, until the visitor does

  constructor(ranges) {
    this.#ranges = ranges;
    this.#wanted = browser.get("parameters") ?? {};
    for (const input of this.#inputs) {
      const { choices, minimum, step } = ranges[input.name];
      if (!choices) Object.assign(input, { min: minimum, step });
      else for (const option of [...input.options]) choices.includes(option.value) || option.remove();
      input.addEventListener("input", () => this.#changed(input));
    }
    part(this.#root, "reset").addEventListener("click", () => {
      this.#wanted = this.#lent = {};
      browser.set("parameters", null);
      for (const input of this.#inputs) this.#show(input);
    });
    this.fit(null);
  }

  /** The values as the socket's `parameters` wants them. */
  get values() {
    return Object.fromEntries(
      this.#inputs.map((input) => [input.name, input.type === "range" ? input.valueAsNumber : input.value]),
    );
  }

  /** Bring the sliders within what a model takes. */
  fit(model) {
    for (const input of this.#inputs) {
      const { maximum } = this.#ranges[input.name];
      if (maximum !== undefined) input.max = Math.min(maximum, model?.[input.name] ?? maximum);
      this.#show(input);
    }
  }

  /** Set what an example is asked with; not kept in this browser. */
  lend(values) {
    this.#lent = values;
    for (const input of this.#inputs) this.#show(input);
  }

  get #inputs() {
    return [...this.#root.querySelectorAll("input, select")];
  }

  #show(input) {
    const preset = this.#ranges[input.name].default;
    input.value = String(this.#lent[input.name] ?? this.#wanted[input.name] ?? preset);
    if (input.selectedIndex === -1) input.value = preset;
    this.#write(input);
  }

  #changed(input) {
    this.#lent = { ...this.#lent, [input.name]: undefined };
    this.#wanted[input.name] = input.type === "range" ? input.valueAsNumber : input.value;
    browser.set("parameters", this.#wanted);
    this.#write(input);
  }

  #write(input) {
    const output = this.#root.querySelector(`output[for="${input.id}"]`);
    if (output) output.value = number(input.valueAsNumber);
  }
}
