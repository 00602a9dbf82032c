// Work for the screen: at most once per animation frame, in slices that don't hold up the page, or after it was drawn.
const SLICE = 4; // milliseconds
const wanted = new Set();
const tasks = [];
const looks = [];
let requested = false;
let spent = 0; // milliseconds of this frame, for tasks
let hasWaited = false; // whether tasks had to wait for the frame before

/** Run `work` before the next paint; asking again before that changes nothing. */
export function onNextFrame(work) {
  wanted.add(work);
  request();
}

/** Run `task` in one of the next frames, as many of them in each as there is time for. */
export function inSlices(task) {
  tasks.push(task);
  request();
}

/** Run `task` now, unless this frame has no time left for it. */
export function nowOrSoon(task) {
  if (spent >= SLICE || tasks.length) return inSlices(task);
  timed(task);
  request(); // which begins to count anew
}

/** Let the browser do what else there is to do before the next piece of long work. */
export function pause() {
  return globalThis.scheduler?.yield?.() ?? new Promise((done) => setTimeout(done));
}

/** Run `work` when the page has nothing to do. */
export function whenIdle(work) {
  if (globalThis.requestIdleCallback) requestIdleCallback(work);
  else setTimeout(work, 2000);
}

function request() {
  if (requested) return;
  requested = true;
  requestAnimationFrame(runFrame);
}

function runFrame() {
  const began = performance.now();
  requested = false;
  spent = 0;
  const now = [...wanted];
  wanted.clear();
  for (const work of now) work();
  // What was drawn must be laid out and painted in this frame, too: tasks get the next one, at the latest.
  hasWaited = tasks.length > 0 && !hasWaited && performance.now() - began > SLICE;
  while (!hasWaited && tasks.length && spent < SLICE) timed(tasks.shift());
  if (tasks.length) request();
}

function timed(task) {
  const began = performance.now();
  task();
  spent += performance.now() - began;
}

/** Call `look` when what was drawn has its place; the changes that it gives, a function, come after all looks. */
export function afterDrawing(look) {
  looks.push(look);
  onNextFrame(lookAround);
}

// Looking lays the page out, each time that something has changed: so first all looks, then all changes.
function lookAround() {
  const changes = looks.splice(0).map((look) => look());
  for (const change of changes) if (change) change();
}
