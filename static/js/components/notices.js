// What concerns the whole page: the connection, a new version, trouble; and the announcer for screen readers.
import { part, show, write } from "../lib/dom.js";
import { say } from "../lib/words.js";

const byId = (id) => document.getElementById(id);
const QUIET_LOSS = 1000; // milliseconds; a connection that is back by then was never worth a word
let lossTimer = 0;

/** Tell whether the site is reached. */
export function showConnection(open, words = "") {
  clearTimeout(lossTimer);
  const notice = byId("connection");
  document.body.dataset.connection = open ? "open" : "lost";
  if (open) {
    if (!notice.hidden) announce(say("connected"));
    show(notice, false);
    write(notice, "");
    return;
  }
  lossTimer = setTimeout(
    () => {
      write(notice, words || say(navigator.onLine ? "reconnecting" : "offline"));
      show(notice, true);
    },
    navigator.onLine && !words ? QUIET_LOSS : 0,
  );
}

/** Offer to reload a page whose site has been updated. */
export function offerReload(words = say("new_version")) {
  const notice = byId("update");
  write(part(notice, "text"), words);
  part(notice, "reload").onclick = () => location.reload();
  show(notice, true);
}

/** Say that something went wrong that belongs to no control; "" takes it away. */
export function showTrouble(words) {
  const notice = byId("trouble");
  write(notice, words);
  show(notice, words !== "");
}

/** Let screen readers say something that the eye sees anyway. */
export function announce(words) {
  const announcer = byId("announcer");
  // The same words twice would be no change, and stay unheard.
  write(announcer, announcer.textContent === words ? `${words}\u00a0` : words);
}
