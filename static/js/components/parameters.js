// Generation parameters: sliders with their values, kept in this browser.
import { part } from "../lib/dom.js";
import { browser } from "../lib/storage.js";

export class Parameters {
  #root = document.getElementById("parameters");
  #ranges;

  constructor(ranges) {
    this.#ranges = ranges;
    const kept = browser.get("parameters") ?? {};
    for (const input of this.#inputs) {
      const range = ranges[input.name];
      if (range.choices) {
        for (const option of [...input.options]) if (!range.choices.includes(option.value)) option.remove();
      } else {
        Object.assign(input, { min: range.minimum, max: range.maximum, step: range.step });
      }
      this.#set(input, kept[input.name] ?? range.default);
      input.addEventListener("input", () => this.#changed(input));
    }
    part(this.#root, "reset").addEventListener("click", () => {
      for (const input of this.#inputs) this.#set(input, ranges[input.name].default);
      browser.set("parameters", null);
    });
  }

  /** The values as the socket's `parameters` wants them. */
  get values() {
    return Object.fromEntries(
      this.#inputs.map((input) => [input.name, input.type === "range" ? input.valueAsNumber : input.value]),
    );
  }

  get #inputs() {
    return [...this.#root.querySelectorAll("input, select")];
  }

  #set(input, value) {
    input.value = String(value);
    if (input.selectedIndex === -1) input.value = this.#ranges[input.name].default;
    this.#write(input);
  }

  #changed(input) {
    this.#write(input);
    browser.set("parameters", this.values);
  }

  #write(input) {
    const output = this.#root.querySelector(`output[for="${input.id}"]`);
    if (output) output.value = new Intl.NumberFormat(document.documentElement.lang).format(input.valueAsNumber);
  }
}
