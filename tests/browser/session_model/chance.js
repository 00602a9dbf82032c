// What is random in a trial, and time that passes when a trial says so.
let seed = 0;

/** Begin a trial: each number gives the same one again. */
export function begin(number) {
  seed = number * 7919;
  [now, timers] = [0, new Map()];
}

export const random = () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32;
export const chance = (share) => random() < share;
export const oneOf = (list) => list[Math.floor(random() * list.length)];

let now = 0; // milliseconds
let timers = new Map(); // number → {at, work}
let last = 0;

export function pass(milliseconds) {
  const end = now + milliseconds;
  for (;;) {
    const [next] = [...timers].sort(([, a], [, b]) => a.at - b.at);
    if (!next || next[1].at > end) break;
    timers.delete(next[0]);
    now = Math.max(now, next[1].at);
    next[1].work();
  }
  now = end;
}

/** Call `work` with timers and a clock of our own. */
export function withOwnTime(work) {
  const { setTimeout, clearTimeout } = globalThis;
  globalThis.setTimeout = (task, milliseconds = 0) => {
    last += 1;
    timers.set(last, { at: now + milliseconds, work: task });
    return last;
  };
  globalThis.clearTimeout = (timer) => timers.delete(timer);
  Object.defineProperty(performance, "now", { value: () => now, configurable: true });
  try {
    work();
  } finally {
    delete performance.now;
    Object.assign(globalThis, { setTimeout, clearTimeout });
  }
}
