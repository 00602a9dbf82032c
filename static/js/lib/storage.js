// What this browser remembers. Storage may be full or forbidden: then nothing is kept.

const MOST = 3500; // bytes of all our cookies together: browsers and proxies take some thousand
const YEAR = 31_536_000; // seconds

/** Where a browser forbids storage to frames of other sites, cookies that it keeps apart for each such site are left. */
class Cookies {
  #end;

  constructor(seconds) {
    this.#end = seconds ? `; Max-Age=${seconds}` : "";
  }

  getItem(key) {
    const found = all().find(([name]) => name === key);
    return found ? decodeURIComponent(found[1]) : null;
  }

  setItem(key, value) {
    const text = encodeURIComponent(value);
    this.removeItem(key);
    if (document.cookie.length + text.length <= MOST) this.#write(key, text, this.#end);
  }

  removeItem(key) {
    this.#write(key, "", "; Max-Age=0");
  }

  keys() {
    return all().map(([name]) => name);
  }

  #write(key, text, end) {
    document.cookie = `${key}=${text}; Path=${location.pathname}; SameSite=None; Secure; Partitioned${end}`;
  }
}

function all() {
  return document.cookie.split("; ").map((pair) => pair.split("="));
}

function keeper(area, seconds) {
  let store;
  try {
    store = window[area];
  } catch {
    store = new Cookies(seconds);
  }
  return {
    get(key) {
      try {
        return JSON.parse(store.getItem(`mmchat.${key}`));
      } catch {
        return null;
      }
    },
    set(key, value) {
      try {
        if (value === null) store.removeItem(`mmchat.${key}`);
        else store.setItem(`mmchat.${key}`, JSON.stringify(value));
      } catch {
        // The page works without it.
      }
    },
    /** Forget everything of this site. */
    clear() {
      try {
        for (const key of store.keys?.() ?? Object.keys(store)) if (key.startsWith("mmchat.")) store.removeItem(key);
      } catch {
        // Then nothing was kept.
      }
    },
  };
}

/** Kept for good: parameters, the model last chosen. */
export const browser = keeper("localStorage", YEAR);

/** Kept for this tab, through reloads: the draft. (Cookies know no tabs.) */
export const tab = keeper("sessionStorage", 0);
