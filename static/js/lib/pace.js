// How quickly a reply came: as this page saw it, or as the site tells of one that came before (docs/events.md).
import { say } from "./words.js";

/** Note that a reply was asked for just now. */
export function asked(message) {
  message.clock = { asked: performance.now(), first: null, before: 0 };
}

/** Note that text came, before it is added. */
export function grows({ clock, length }) {
  if (clock && clock.first === null) Object.assign(clock, { first: performance.now(), before: length });
}

/** Note that a reply has ended. */
export function ended(message) {
  const { clock, length } = message;
  if (!clock || clock.first === null) return;
  const seconds = (performance.now() - clock.first) / 1000;
  message.pace = { first: (clock.first - clock.asked) / 1000, seconds, tokens: null, characters: length - clock.before };
}

/** Say how quickly a reply came, or "" where nothing is known. */
export function paceIn({ pace, length }) {
  if (!pace) return "";
  const first = Math.round(pace.first * 10) / 10;
  if (pace.seconds < 0.5) return say("pace_first", { first });
  const rate = (count) => Math.round(count / pace.seconds);
  if (pace.tokens) return say("pace_tokens", { first, rate: rate(pace.tokens) });
  return say("pace_characters", { first, rate: rate(pace.characters ?? length) });
}
