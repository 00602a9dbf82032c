/**
 * What comes when a visitor first asks for it: `load()` fetches it, and the function that this gives calls `use(it)` and
 * gives what that gives.
 * `onFailure`, or `failed` of one call, hears that the site could not be reached; the next time it is fetched again.
 */
export function later(load, onFailure) {
  let coming = null;
  return async (use, failed = onFailure) => {
    coming ??= load();
    let made;
    try {
      made = await coming;
    } catch {
      coming = null;
      return failed();
    }
    return use(made);
  };
}

const LONGEST_PAUSE = 30_000; // milliseconds

/**
 * Give what `load()` imports, tried again until it is here. Its modules at `addresses` are fetched first: all at once, and
 * because some browsers remember for good that a module did not come (whatwg/html#6768).
 */
export async function persistently(load, addresses = []) {
  for (let pause = 500; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    try {
      await Promise.all(addresses.map(fetched));
      return await load();
    } catch {
      await again(pause);
    }
  }
}

async function fetched(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${response.status}`);
  await response.arrayBuffer();
}

function again(pause) {
  return new Promise((done) => {
    setTimeout(done, pause);
    window.addEventListener("online", done, { once: true });
  });
}
