// Putting the items of a list into another order: by dragging them, with mouse or finger.

const DRAG = 6; // CSS pixels that a pointer moves before it drags rather than clicks

/** Let the children of `list`, which is positioned, be dragged by what has `data-drag`; `onMove(element, index)` puts one elsewhere. */
export function makeSortable(list, { onMove }) {
  list.addEventListener("pointerdown", (event) => {
    const element = [...list.children].find((child) => child.contains(event.target));
    if (event.button !== 0 || !element || !event.target.closest("[data-drag]") || list.children.length < 2) return;
    follow(list, element, event, onMove);
  });
  // The picture under the pointer would else be dragged as a file.
  list.addEventListener("dragstart", (event) => event.preventDefault());
}

function follow(list, element, start, onMove) {
  const grasped = { x: start.clientX - element.offsetLeft, y: start.clientY - element.offsetTop };
  let dragging = false;
  const move = (event) => {
    if (event.pointerId !== start.pointerId) return;
    if (!dragging && Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) < DRAG) return;
    if (!dragging) list.setPointerCapture(start.pointerId);
    dragging = true;
    element.classList.add("is-dragged");
    const index = nearest(list, event);
    if (list.children[index] !== element) onMove(element, index);
    element.style.transform = `translate(${event.clientX - grasped.x - element.offsetLeft}px, ${event.clientY - grasped.y - element.offsetTop}px)`;
  };
  const end = (event) => {
    if (event.pointerId !== start.pointerId) return;
    for (const [kind, listener] of [["pointermove", move], ["pointerup", end], ["pointercancel", end]]) {
      document.removeEventListener(kind, listener);
    }
    element.classList.remove("is-dragged");
    element.style.transform = "";
    // Letting go is no click on what was dragged.
    if (dragging) list.addEventListener("click", stop, { capture: true, once: true });
    setTimeout(() => list.removeEventListener("click", stop, { capture: true }));
  };
  document.addEventListener("pointermove", move);
  document.addEventListener("pointerup", end);
  document.addEventListener("pointercancel", end);
}

function stop(event) {
  event.preventDefault();
  event.stopPropagation();
}

/** The place whose middle is nearest to the pointer; where an element lies in the list does not count its shift. */
function nearest(list, { clientX, clientY }) {
  const { left, top } = list.getBoundingClientRect();
  const away = [...list.children].map((child) =>
    Math.hypot(left + child.offsetLeft + child.offsetWidth / 2 - clientX, top + child.offsetTop + child.offsetHeight / 2 - clientY),
  );
  return away.indexOf(Math.min(...away));
}
