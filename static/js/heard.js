// What the page does when the session tells that something has happened.
import { announce, offerReload, showConnection, showTrouble } from "./components/notices.js";
import { onNextFrame } from "./lib/frames.js";
import { forgetVisitor } from "./lib/visitor.js";
import { say } from "./lib/words.js";

/** Let the page's components, `speaker` (lib/later.js) and `leaveDeleted(conversation id)` hear of all that the session dispatches. */
export function hear(session, { site, log, scroll, sender, place, models, bar, announcements, speaker, leaveDeleted }) {
  session.addEventListener("reset", () => {
    showTrouble("");
    log.reset(session.conversation);
    scroll.toStart();
    sender.open();
    bar.refresh(session.conversation);
  });
  const refreshAround = () => {
    sender.refresh();
    bar.refresh(session.conversation);
  };
  let followed = null; // the reply that a screen reader hears
  session.addEventListener("change", ({ detail: { ids } }) => {
    log.refresh(ids);
    const live = session.conversation.liveReply();
    if (live && live.id !== followed) speaker((voice) => voice.follow(live));
    followed = live?.id ?? null;
    onNextFrame(refreshAround);
  });
  session.addEventListener("titled", ({ detail: { title } }) => place.title(title));
  session.addEventListener("deleted", ({ detail: { id } }) => leaveDeleted(id));
  let shown = null;
  session.addEventListener("loaded", () => {
    const { conversation } = session;
    place.title(conversation.title);
    showTrouble("");
    // A model that the visitor picked since then stays, also after a reconnection.
    if (conversation !== shown) {
      models.select(conversation.lastModel());
      if (conversation.at) log.reveal(conversation.at);
    }
    shown = conversation;
  });
  session.addEventListener("accepted", ({ detail: { frame, sent, here } }) => {
    if (here) {
      place.became(frame.conversation, sent.text || say("image"));
      shown = session.conversation; // begun here, with the model that is selected
    }
    sender.accepted(sent, here);
  });
  session.addEventListener("refused", ({ detail }) => {
    if (sender.refused(detail)) return;
    if (detail.frame.code === "not_found") log.fail();
    showTrouble(detail.frame.text);
  });
  session.addEventListener("ended", ({ detail: { message } }) => {
    const whole = message.cut ? say("cut") : say("reply_complete");
    const ending = message.state === "complete" ? whole : (message.failure?.text ?? say("stopped"));
    const words = [ending, message.notice].filter(Boolean).join(" ");
    speaker((voice) => voice.end(message, words) || announce(words), () => announce(words));
    sender.replyEnded(message);
  });
  let wasLost = false;
  session.addEventListener("hello", ({ detail: { version } }) => {
    showConnection(true);
    if (version !== site.version) offerReload();
    if (wasLost) announcements.ask();
    wasLost = false;
  });
  session.addEventListener("connection", ({ detail: { open, code, words } }) => {
    // A socket that opens may be closed at once, by a site that will not have us.
    wasLost ||= !open;
    if (!open) showConnection(false, { 4429: words, 4403: say("blocked") }[code]);
    if (code === 4401) {
      forgetVisitor();
      offerReload(say("no_cookie"));
    }
    sender.refresh();
  });
}
