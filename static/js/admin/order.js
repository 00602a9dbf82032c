// Puts the rows of a list into another order, by dragging a handle or by arrow keys on it: their positions are written
// anew, and stored with Save.
import { makeSortable } from "../components/reordering.js";

const words = document.getElementById("order");
const list = document.querySelector("#result_list tbody");
const position = (row) => row.querySelector("input[name$='-position']");
const nameOf = (row) => row.querySelector("th").textContent.trim();
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

function move(row, index) {
  const rows = [...list.children];
  if (index < 0 || index >= rows.length || rows[index] === row) return;
  rows[index][rows.indexOf(row) < index ? "after" : "before"](row);
  [...list.children].forEach((each, place) => (position(each).value = place + 1));
  const told = { name: nameOf(row), number: index + 1, count: rows.length };
  words.querySelector("[role=status]").textContent = fill(words.dataset.moved, told);
}

function handleOf(row) {
  const handle = document.createElement("button");
  handle.type = "button";
  handle.className = "handle";
  handle.dataset.drag = "";
  handle.textContent = "⠿";
  handle.setAttribute("aria-label", fill(words.dataset.handle, { name: nameOf(row) }));
  handle.addEventListener("keydown", (event) => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    move(row, [...list.children].indexOf(row) + step);
    handle.focus(); // a row that is put elsewhere loses it
  });
  return handle;
}

if (list && list.children.length > 1) {
  for (const row of list.children) position(row).before(handleOf(row));
  makeSortable(list, { onMove: move });
  words.hidden = false;
}
