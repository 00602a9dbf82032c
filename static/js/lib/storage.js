// What this browser remembers. Storage may be full, forbidden or partitioned away: then nothing is kept.

function keeper(area) {
  return {
    get(key) {
      try {
        return JSON.parse(window[area].getItem(`mmchat.${key}`));
      } catch {
        return null;
      }
    },
    set(key, value) {
      try {
        if (value === null) window[area].removeItem(`mmchat.${key}`);
        else window[area].setItem(`mmchat.${key}`, JSON.stringify(value));
      } catch {
        // The page works without it.
      }
    },
    /** Forget everything of this site. */
    clear() {
      try {
        for (const key of Object.keys(window[area])) if (key.startsWith("mmchat.")) window[area].removeItem(key);
      } catch {
        // Then nothing was kept.
      }
    },
  };
}

/** Kept for good: parameters, the model last chosen. */
export const browser = keeper("localStorage");

/** Kept for this tab, through reloads: the draft. */
export const tab = keeper("sessionStorage");
