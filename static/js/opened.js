// What comes to the page when a visitor first opens it: dialogs, the drawer of conversations, and what votes need.
import { showTrouble } from "./components/notices.js";
import { later } from "./lib/later.js";
import { say } from "./lib/words.js";

const fromSite = (load) => later(load, () => showTrouble(say("call_offline")));

/** Give functions as of later.js; `feedback`, `drawer`, `ownData` and `share` are options of the components behind them. */
export function openedLater(site, { feedback, drawer, ownData, share }) {
  return {
    speaker: later(() => import("./components/speaker.js").then(({ Speaker }) => new Speaker()), () => {}),
    lightbox: fromSite(() => import("./components/lightbox.js").then(({ Lightbox }) => new Lightbox())),
    inspection: fromSite(() => import("./components/inspection.js").then(({ Inspection }) => new Inspection())),
    feedback: fromSite(() => import("./components/feedback.js").then(({ Feedback }) => new Feedback(site, feedback))),
    drawer: fromSite(() => import("./components/history.js").then(({ History }) => new History(site, drawer))),
    ownData: fromSite(() => import("./components/own_data.js").then(({ OwnData }) => new OwnData(site, ownData))),
    share: fromSite(() => import("./components/share.js").then(({ Share }) => new Share(site, share))),
  };
}
