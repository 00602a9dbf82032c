// What stays on screen while the page scrolls on phones: its heights, for styles that keep the rest from hiding behind it.

/** Give styles the heights of the notices and of the message box, as `--notices` and `--composer`. */
export function measureEdges() {
  for (const id of ["notices", "composer"]) {
    const element = document.getElementById(id);
    new ResizeObserver(() => {
      document.documentElement.style.setProperty(`--${id}`, `${element.offsetHeight}px`);
    }).observe(element);
  }
}
