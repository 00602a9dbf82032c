// The page's words in the visitor's language, translated by the server (chat/words.py).
import { dataIn } from "./dom.js";

const words = dataIn("words") ?? {};

/** Give the words called `name`, with each `{key}` replaced by `values.key`. */
export function say(name, values = {}) {
  const text = words[name];
  if (text === undefined) throw new Error(`No words called ${name}`);
  return text.replace(/\{(\w+)\}/g, (whole, key) => (key in values ? String(values[key]) : whole));
}
