// Elements for what comes on use, and so has no template in the page.

/** Make an element with attributes and children; texts stay texts. */
export function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}
