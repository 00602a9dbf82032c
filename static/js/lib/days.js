// How long ago something was, in the words under which a list is grouped.
import { moment, say } from "./words.js";

const DAY = 24 * 3600 * 1000;

/** Give the name of the group to which a time (Unix seconds) belongs: today, yesterday, the last 7 days, or its month. */
export function dayGroup(seconds, now = new Date()) {
  const when = new Date(seconds * 1000);
  const days = Math.round((midnight(now) - midnight(when)) / DAY); // rounded: a day of the clock's change has 23 or 25 hours
  if (days <= 0) return say("today");
  if (days === 1) return say("yesterday");
  if (days <= 7) return say("last_days");
  return moment(seconds, { month: "long", year: "numeric" });
}

function midnight(date) {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate());
}
