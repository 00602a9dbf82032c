// The page's words in the visitor's language, translated by the server (chat/words.py).
import { dataIn } from "./dom.js";

const words = dataIn("words") ?? {};

const plain = new Intl.NumberFormat(document.documentElement.lang); // making one takes longer than using it

/** Write a number as the page's language does. */
export function number(value, options = null) {
  return (options ? new Intl.NumberFormat(document.documentElement.lang, options) : plain).format(value);
}

/** Write a time, in seconds, as the page's language does. */
export function moment(seconds, options = { dateStyle: "medium", timeStyle: "short" }) {
  return new Intl.DateTimeFormat(document.documentElement.lang, options).format(new Date(seconds * 1000));
}

/** Give the words called `name`, with each `{key}` replaced by `values.key`; numbers as the language writes them. */
export function say(name, values = {}) {
  const text = words[name];
  if (text === undefined) throw new Error(`No words called ${name}`);
  return text.replace(/\{(\w+)\}/g, (whole, key) => (key in values ? written(values[key]) : whole));
}

function written(value) {
  return typeof value === "number" ? number(value) : String(value);
}
