// The visitor's page: makes the parts and tells each what the others did.
import { draft } from "./components/composer.js";
import { Consent } from "./components/consent.js";
import { showExamples } from "./components/examples.js";
import { Feedback } from "./components/feedback.js";
import { History } from "./components/history.js";
import { Log } from "./components/log.js";
import { Models } from "./components/models.js";
import { announce, offerReload, showConnection, showTrouble } from "./components/notices.js";
import { OwnData } from "./components/own_data.js";
import { Parameters } from "./components/parameters.js";
import { RichText } from "./components/rich_text.js";
import { Scroll } from "./components/scroll.js";
import { Sender } from "./components/sender.js";
import { VoteDetails } from "./components/vote_details.js";
import { dataIn, show } from "./lib/dom.js";
import { Place } from "./lib/place.js";
import { Session } from "./lib/session.js";
import { Socket } from "./lib/socket.js";
import { browser } from "./lib/storage.js";
import { say } from "./lib/words.js";

const site = dataIn("bootstrap");
const session = new Session(new Socket(site.socket));
const scroll = new Scroll();
const place = new Place(site, { onVisit: (id) => session.follow(id) });

const asked = site.conversation || new URLSearchParams(location.search).has("model");
const remembered = site.models.list.find(({ name, listed }) => listed && name === browser.get("model"));
const models = new Models({
  models: site.models,
  url: site.urls.models,
  wanted: (asked ? null : remembered?.name) ?? site.models.selected,
  onChange: modelChanged,
});
const parameters = new Parameters(site.parameters);
const consent = new Consent(site);
const sender = new Sender({ site, session, models, parameters, scroll, consent });
const feedback = new Feedback(site, { onStored: noteOpinion, onProblem: callFailed });
const ownData = new OwnData(site, { consent, onDeleted: leaveDeleted });

/** One variant at most is the better one: what the site tells later of the others is known already. */
function noteOpinion(reply, said) {
  if (said.preferred && !reply.preferred) {
    for (const other of session.conversation.variantsOf(reply)) {
      if (other.preferred) session.note({ ...other, message: other.id, preferred: false });
    }
  }
  session.note({ message: reply.id, ...said });
}

/** Go to a new conversation when the one on screen is gone. */
function leaveDeleted(id) {
  if (session.conversation.id !== id) return;
  place.go(null);
  announce(say("conversation_deleted"));
}

function callFailed(error) {
  if (error.needsReload) offerReload(error.message);
  else showTrouble(error.message);
}

function modelChanged() {
  parameters.fit(models.current);
  sender.refresh();
}

const log = new Log({
  titleOf: (name) => models.title(name),
  actions: {
    vote: (reply, value) => feedback.vote(reply, value),
    prefer: (reply) => feedback.prefer(reply),
    details: (reply, onClose) =>
      new VoteDetails(reply, { feedback, images: session.conversation.imagesBefore(reply.id), onClose }),
    flag: (reply) => feedback.askWhy(reply),
    again: (reply) => sender.again(reply),
    goOn: (reply) => sender.goOn(reply),
    choose: (id) => {
      session.conversation.choose(id);
      log.refresh([...session.conversation.messages.keys()]);
    },
  },
});

showExamples(site.examples, { onChoose: (question, file) => sender.fill(question, file), onProblem: showTrouble });
const readText = document.getElementById("read-text");
readText.hidden = !site.reads_text;
readText.addEventListener("click", () => sender.suggest(say("read_text")));
new History({
  urls: site.urls,
  onOpen: (id) => place.go(id),
  onDelete: (id, title) => ownData.deleteConversation(id, title),
});
for (const element of document.querySelectorAll("[data-markdown]")) {
  const text = element.textContent;
  element.replaceChildren();
  new RichText(element).update(text, { done: true });
}

document.getElementById("delete").addEventListener("click", () => {
  ownData.deleteConversation(session.conversation.id, document.getElementById("conversation-title").textContent);
});
document.getElementById("clear").addEventListener("click", () => {
  place.go(null);
  sender.startOver();
});

session.addEventListener("reset", () => {
  showTrouble("");
  log.reset(session.conversation);
  scroll.toStart();
  sender.refresh();
  show(document.getElementById("delete"), session.conversation.id !== null);
});
session.addEventListener("change", ({ detail: { ids } }) => {
  log.refresh(ids);
  sender.refresh();
  show(document.getElementById("delete"), session.conversation.id !== null);
});
session.addEventListener("deleted", ({ detail: { id } }) => leaveDeleted(id));
let shown = null;
session.addEventListener("loaded", () => {
  const { conversation } = session;
  place.title(conversation.title);
  showTrouble("");
  // A model that the visitor picked since then stays, also after a reconnection.
  if (conversation !== shown) models.select(conversation.lastModel());
  shown = conversation;
});
session.addEventListener("accepted", ({ detail: { frame, sent, here } }) => {
  if (here) place.became(frame.conversation, sent.text || say("image"));
  sender.accepted(sent, here);
});
session.addEventListener("refused", ({ detail }) => sender.refused(detail) || showTrouble(detail.frame.text));
session.addEventListener("ended", ({ detail: { message } }) => {
  announce(message.state === "complete" ? say("reply_complete") : (message.failure?.text ?? say("stopped")));
  sender.replyEnded(message);
});
session.addEventListener("hello", ({ detail: { version } }) => version === site.version || offerReload());
session.addEventListener("connection", ({ detail: { open, code } }) => {
  showConnection(open, { 4429: say("too_many_tabs"), 4403: say("blocked") }[code]);
  if (code === 4401) offerReload(say("no_cookie"));
  sender.refresh();
});

modelChanged();
sender.restore(draft.read());
place.start();
session.connect();
