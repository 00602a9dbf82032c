// The visitor's page: makes the parts and tells each what the others did.
import { Announcements } from "./components/announcements.js";
import { Consent } from "./components/consent.js";
import { ConversationBar } from "./components/conversation_bar.js";
import { Earlier } from "./components/earlier.js";
import { measureEdges } from "./components/edges.js";
import { showExamples } from "./components/examples.js";
import { Keys } from "./components/keys.js";
import { Log } from "./components/log.js";
import { Models } from "./components/models.js";
import { announce, offerReload, showTrouble } from "./components/notices.js";
import { Parameters } from "./components/parameters.js";
import { loadReading, RichText } from "./components/rich_text.js";
import { Scroll } from "./components/scroll.js";
import { Sender } from "./components/sender.js";
import { hear } from "./heard.js";
import { openedLater } from "./opened.js";
import { dataIn } from "./lib/dom.js";
import { drafts } from "./lib/drafts.js";
import { address, offline } from "./lib/http.js";
import { Place } from "./lib/place.js";
import { Session } from "./lib/session.js";
import { Socket } from "./lib/socket.js";
import { browser } from "./lib/storage.js";
import { say } from "./lib/words.js";

const site = dataIn("bootstrap");
const session = new Session(new Socket(site.socket));
const scroll = new Scroll();
const place = new Place(site, { onVisit: visit });

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
const sender = new Sender({ site, session, models, parameters, scroll, consent, look });

// What reads replies comes when the visitor first shows interest, or with a conversation.
for (const sign of ["pointerdown", "keydown", "focusin", "dragenter", "paste"]) {
  window.addEventListener(sign, loadReading, { once: true, passive: true });
}

function visit(id, message) {
  if (id) loadReading();
  session.follow(id, message);
}

/** One variant at most is the better one: what the site tells later of the others is known already. */
function noteOpinion(reply, said) {
  if (said.preferred && !reply.preferred) {
    for (const other of session.conversation.variantsOf(reply)) {
      if (other.preferred) session.note({ ...other, message: other.id, preferred: false });
    }
  }
  session.note({ message: reply.id, ...said });
}

const opened = openedLater(site, {
  feedback: { onStored: noteOpinion, onProblem: callFailed },
  drawer: {
    open: (id, message) => place.go(id, message),
    remove: deleteConversation,
    titled: (id, title) => session.conversation.id === id && place.title(title),
  },
  ownData: { consent, onDeleted: leaveDeleted },
  share: {
    titleOf: (name) => models.title(name),
    shown: () => ({ id: session.conversation.id, last: session.conversation.path().at(-1)?.id ?? "" }),
  },
});

function look(images, id, options) {
  opened.lightbox((large) => large.open(images, id, options));
}

function deleteConversation(id, title) {
  return opened.ownData((own) => own.deleteConversation(id, title));
}

/** Go to a new conversation when the one on screen is gone. */
function leaveDeleted(id) {
  drafts.forget(id);
  if (session.conversation.id !== id) return;
  place.go(null);
  announce(say("conversation_deleted"));
}

function callFailed(error) {
  if (error.needsReload) offerReload(error.message);
  else showTrouble(error.message);
}

function tryExample({ question, model, parameters: values }, files) {
  if (session.conversation.id !== null) return; // the visitor went on while its pictures came
  if (models.offers(model)) models.select(model);
  parameters.lend(values);
  sender.draft.fill(question, files);
}

function modelChanged() {
  parameters.fit(models.current);
  sender.refresh();
}

const log = new Log({
  titleOf: (name) => models.title(name),
  hold: (element, work) => scroll.hold(element, work),
  show: (element) => scroll.show(element),
  drawn: () => earlier.look(),
  actions: {
    edit: (question) => sender.draft.change(question),
    vote: (reply, value) => opened.feedback((opinions) => opinions.vote(reply, value), offline),
    prefer: (reply) => opened.feedback((opinions) => opinions.prefer(reply), offline),
    details: (reply, onClose) =>
      opened.feedback((opinions) => opinions.details(reply, session.conversation.imagesBefore(reply.id), onClose)),
    imagesBefore: ({ id }) => ({
      all: session.conversation.imagesBefore(id),
      last: session.conversation.imagesAskedAbout(id),
    }),
    look: (id, options) => look(session.conversation.images(), id, options),
    flag: (reply) => opened.feedback((opinions) => opinions.askWhy(reply)),
    inspect({ id }) {
      document.getElementById("inspection-style").disabled = false;
      opened.inspection((dialog) => dialog.open(address(site.urls.inspect, { id })));
    },
    again: (reply) => sender.again(reply),
    goOn: (reply) => sender.goOn(reply),
    choose: (id) => session.choose(id),
  },
});

const earlier = new Earlier({ session, url: site.urls.earlier_messages });
new Keys({
  focus: () => sender.draft.composer.focus(),
  cancel: () => sender.draft.cancelChange(),
  stop: () => sender.stop(),
});
const announcements = new Announcements(site.announcements, site.urls.announcements);
showExamples(site.examples, { onChoose: tryExample, onProblem: showTrouble });
const readText = document.getElementById("read-text");
readText.hidden = !site.reads_text;
readText.addEventListener("click", () => sender.draft.suggest(say("read_text")));
document.getElementById("history-open").addEventListener("click", () => opened.drawer((drawer) => drawer.open()));
for (const element of document.querySelectorAll("[data-markdown]")) {
  new RichText(element).update(element.textContent, { done: true });
}
for (const opener of document.querySelectorAll("[data-opens='own-data']")) {
  opener.addEventListener("click", () => opened.ownData((own) => own.open()));
}
const bar = new ConversationBar({
  share: () => opened.share((dialog) => dialog.open()),
  remove: (title) => deleteConversation(session.conversation.id, title),
  begin: () => {
    place.go(null);
    sender.draft.composer.focus();
  },
});

if (site.frame) {
  const { Frame } = await import("./components/frame.js");
  new Frame(site);
}
measureEdges();
hear(session, { site, log, scroll, sender, place, models, bar, announcements, speaker: opened.speaker, leaveDeleted });
modelChanged();
place.start();
session.connect();
