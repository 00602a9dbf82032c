// The page's session against a model of the site (chat/consumers.py, chat/outbox.py): two tabs of one visitor, whose
// actions, frames, lost connections and refusals come in random order. When all is quiet, the site must follow what is
// on screen, each tab must hold exactly what the site has, and nobody may be told of what is not on his screen.

import { begin, chance, oneOf, pass, random, withOwnTime } from "./chance.js";
import { Site } from "./site.js";
import { Tab } from "./tabs.js";

const STEPS = 400;

function step(site, tabs) {
  const what = random();
  const tab = chance(0.7) ? tabs[0] : tabs[1];
  const { socket } = tab;
  if (what < 0.08) return tab.act();
  if (what < 0.09) return void (site.refusals = 2);
  if (what < 0.2) return site.grow();
  if (what < 0.23) return pass(oneOf([10, 100, 600]));
  if (!socket.isOpen) return chance(0.3) && socket.open();
  const { line } = socket;
  if (what < 0.237) return socket.cut();
  if (what < 0.24) return line.conversation && line.announced.push({ type: "missed", conversation: line.conversation });
  if (what < 0.43) return line.asked.length && line.handle();
  if (what < 0.5) return line.announced.length && line.hear();
  if (what < 0.73) return line.send();
  return line.said.length && tab.get();
}

/** Let everything arrive that is on its way, and what that leads to. */
function settle(site, tabs) {
  site.refusals = 0;
  for (let round = 0; round < 40; round += 1) {
    for (const { socket } of tabs) if (!socket.isOpen) socket.open();
    for (let isBusy = true; isBusy; ) {
      isBusy = false;
      for (const tab of tabs) {
        for (let { line } = tab.socket; line && line === tab.socket.line; isBusy = true) {
          if (line.asked.length) line.handle();
          else if (line.announced.length) line.hear();
          else if (line.said.length) tab.get();
          else if (!line.send() && !line.send()) break;
        }
      }
    }
    pass(500);
  }
}

function trial(Session) {
  const site = new Site();
  const tabs = ["here", "there"].map((name) => new Tab(Session, site, name));
  const problem = () => tabs.map((tab) => tab.problem()).find((words) => words);
  const shown = () => tabs.map(({ session }) => session.conversation.path().at(-1)?.id).join();
  for (let count = 0; count < STEPS; count += 1) step(site, tabs);
  settle(site, tabs);
  if (problem()) return problem();
  for (let count = 0; count < 30; count += 1) site.grow();
  settle(site, tabs);
  if (problem()) return `later: ${problem()}`;
  const before = shown();
  for (const { socket } of tabs) socket.cut();
  settle(site, tabs);
  if (problem()) return `after a lost connection: ${problem()}`;
  return before === shown() ? "" : `a lost connection leads from ${before} to ${shown()}`;
}

/** Try so many times; gives what went wrong, with the number of the trial. */
export function failures(Session, trials) {
  const found = [];
  withOwnTime(() => {
    for (let number = 1; number <= trials; number += 1) {
      begin(number);
      const words = trial(Session);
      if (words) found.push(`trial ${number}: ${words}`);
    }
  });
  return found;
}
