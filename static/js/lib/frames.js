// Work that is done at most once per animation frame, however often it is asked for.
const wanted = new Set();
let requested = false;

/** Run `work` before the next paint; asking again before that changes nothing. */
export function onNextFrame(work) {
  wanted.add(work);
  if (requested) return;
  requested = true;
  requestAnimationFrame(() => {
    requested = false;
    const now = [...wanted];
    wanted.clear();
    for (const task of now) task();
  });
}
