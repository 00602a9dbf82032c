// The few things that every component does with the document.

/** Parse the JSON that the server put into the page under `id`; null when there is none. */
export function dataIn(id) {
  const element = document.getElementById(id);
  return element ? JSON.parse(element.textContent) : null;
}

/** Copy the one element inside `<template id=…>`. */
export function fromTemplate(id) {
  return document.importNode(document.getElementById(id).content.firstElementChild, true);
}

/** Find the element with `data-part=name` in `root`. */
export function part(root, name) {
  return root.querySelector(`[data-part="${name}"]`);
}

/** Find all elements with a `data-part` in `root`, by their names. */
export function partsOf(root) {
  return Object.fromEntries([...root.querySelectorAll("[data-part]")].map((element) => [element.dataset.part, element]));
}

/** Show or hide without touching what is already so, which keeps mutation observers and transitions calm. */
export function show(element, visible) {
  if (element.hidden === visible) element.hidden = !visible;
}

/** Put words into an element unless they are there already: live regions speak at each change. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Show whether a button that stays pressed is pressed. */
export function press(button, pressed) {
  if (button.ariaPressed !== String(pressed)) button.ariaPressed = String(pressed);
}

/** Is this click on a link not one that opens a tab or window? Then the link is not followed. */
export function isPlainClick(event) {
  if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return false;
  event.preventDefault();
  return true;
}

/** Draw an id that nobody else has; also where the page came over plain HTTP, without crypto.randomUUID. */
export function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
