// What the host announces above the page, each from its beginning to its end, also what is announced while it is open.
import { fromTemplate, part, show } from "../lib/dom.js";
import { getJSON } from "../lib/http.js";
import { browser } from "../lib/storage.js";
import { RichText } from "./rich_text.js";

const LONGEST_TIMER = 2 ** 31 - 1; // milliseconds that a browser's timer can wait
const ASK_AFTER = 300_000; // milliseconds; a page in the background asks when it is looked at again

export class Announcements {
  #root = document.getElementById("announcements");
  #away = new Set(browser.get("announcements"));
  #known = new Map(); // what it says → {id, notice, timers}
  #url;
  #askedAt = performance.now();

  /** Show `announcements` at their times, and what `url` has later; one that was put away stays away in this browser. */
  constructor(announcements, url) {
    this.#url = url;
    this.#show(announcements);
    setInterval(() => this.#askIfDue(), ASK_AFTER / 10);
    document.addEventListener("visibilitychange", () => this.#askIfDue());
  }

  /** Ask what is announced now. Without an answer what is shown stays. */
  async ask() {
    this.#askedAt = performance.now();
    const answer = await getJSON(this.#url).catch(() => null);
    if (answer) this.#show(answer.announcements);
  }

  #askIfDue() {
    if (!document.hidden && performance.now() - this.#askedAt >= ASK_AFTER) this.ask();
  }

  #show(announcements) {
    const wanted = new Map(announcements.map((each) => [JSON.stringify([each.id, each.text, each.important]), each]));
    for (const [key, { notice, timers }] of this.#known) {
      timers.forEach(clearTimeout);
      if (wanted.has(key)) continue;
      notice.remove();
      this.#known.delete(key);
    }
    for (const [key, announcement] of wanted) {
      if (!this.#known.has(key)) this.#known.set(key, this.#made(announcement));
      this.#time(this.#known.get(key), announcement);
    }
  }

  #made({ id, text, important }) {
    const notice = fromTemplate("announcement");
    notice.classList.toggle("is-important", important);
    new RichText(part(notice, "text")).update(text, { done: true });
    const close = part(notice, "close");
    show(close, !important);
    close.addEventListener("click", () => {
      notice.remove();
      this.#away.add(id);
      // Only those that still come are remembered.
      const coming = [...this.#known.values()].map((each) => each.id);
      browser.set("announcements", coming.filter((each) => this.#away.has(each)));
    });
    return { id, notice, timers: [] };
  }

  #time(known, { id, important, starts_in: starts, ends_in: ends }) {
    const { notice } = known;
    const begin = () => notice.isConnected || (!important && this.#away.has(id)) || this.#root.append(notice);
    known.timers = [after(starts, begin)];
    if (ends !== null) known.timers.push(after(ends, () => notice.remove()));
  }
}

function after(seconds, happen) {
  const wait = seconds * 1000;
  if (wait <= 0) happen();
  else if (wait <= LONGEST_TIMER) return setTimeout(happen, wait);
  return null;
}
