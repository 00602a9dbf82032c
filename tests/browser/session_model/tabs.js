// Two ends of a page: what lib/socket.js is to its session, and what its visitor does and sees.
import { chance, oneOf, random } from "./chance.js";
import { isLive, Line } from "./site.js";

/** The page's end: what lib/socket.js is to a session. */
class Socket extends EventTarget {
  line = null;
  #site;

  constructor(site) {
    super();
    this.#site = site;
  }

  get isOpen() {
    return this.line !== null;
  }

  open() {
    this.line = new Line(this.#site);
    this.dispatchEvent(new Event("open"));
  }

  send(frame) {
    this.line?.asked.push(structuredClone(frame));
    return this.isOpen;
  }

  /** Lose the connection; some of what was sent arrives. */
  cut() {
    const { line } = this;
    this.line = null;
    for (let arrives = Math.floor(random() * (line.asked.length + 1)); arrives > 0; arrives -= 1) line.handle();
    this.#site.lines.delete(line);
    this.dispatchEvent(new CustomEvent("lost", { detail: { code: 1006 } }));
  }

  renew() {
    if (this.line) this.cut();
  }

  get() {
    this.dispatchEvent(new CustomEvent("frame", { detail: structuredClone(this.line.said.shift()) }));
  }
}

/** A page of the visitor's. */
export class Tab {
  wrong = ""; // what its visitor should not have seen
  stopped = []; // replies that the visitor has stopped
  wish = null; // the message whose branch the visitor wants to see
  #site;
  #asked = 0;

  constructor(Session, site, name) {
    this.#site = site;
    this.name = name;
    this.socket = new Socket(site);
    this.session = new Session(this.socket);
    this.session.addEventListener("deleted", ({ detail: { id } }) => this.#isAt(id) && this.#go(null));
    this.session.addEventListener("accepted", ({ detail: { here, frame } }) => {
      if (here) this.wish = null;
      if (here && !this.#isAt(frame.conversation)) this.wrong = "accepted elsewhere";
    });
    this.session.addEventListener("refused", ({ detail: { frame, sent } }) => {
      const isGone = site.deleted.get(this.session.conversation.id);
      if (!sent && frame.code === "not_found" && !isGone) this.wrong = "told that what is on screen does not exist";
    });
    this.#go(null);
  }

  #isAt(id) {
    return this.session.conversation.id === id;
  }

  #go(id, at = null) {
    this.wish = at;
    this.session.follow(id, at);
  }

  /** Do what visitors do. */
  act() {
    const { session } = this;
    const { conversation } = session;
    const all = [...this.#site.deleted.keys()];
    const live = conversation.liveReply();
    const what = random();
    if (what < 0.35) {
      if (!session.sending && !live) this.#ask(conversation);
    } else if (what < 0.5) this.#go(null);
    else if (what < 0.75) {
      const id = oneOf(all);
      if (id) this.#go(id, chance(0.3) ? oneOf(this.#site.of(id)).id : null);
    } else if (what < 0.87) {
      const wish = oneOf(conversation.path().flatMap(({ siblings }) => siblings));
      if (wish) session.choose((this.wish = wish));
    } else if (what < 0.97) {
      if (!live) return;
      session.stop(live.id);
      this.stopped.push(this.#site.messages.get(live.id));
    } else if (all.length) {
      const id = oneOf(all);
      this.#site.delete(id);
      if (this.#isAt(id)) this.#go(null);
    }
  }

  #ask(conversation) {
    const reply = conversation.path().findLast(({ role }) => role === "assistant");
    this.#asked += 1;
    const common = { client_id: `${this.name}${this.#asked}` };
    if (reply && chance(0.3)) this.session.ask({ ...common, type: "regenerate", message: reply.id });
    else this.session.ask({ ...common, type: "send", text: "?", conversation: conversation.id, parent: reply?.id ?? null });
  }

  get() {
    const { id, conversation } = this.socket.line.said[0].message ?? {};
    // What is new is shown, whatever was wanted before.
    if (conversation && this.#isAt(conversation) && !this.session.conversation.messages.has(id)) this.wish = null;
    this.socket.get();
  }

  /** Say what is wrong when all is quiet; "" where nothing is. */
  problem() {
    const { conversation, sending } = this.session;
    const { line } = this.socket;
    const { id } = conversation;
    if (this.wrong || sending) return this.wrong || "still sending";
    const goesOn = this.stopped.find((message) => isLive(message) && !message.stops);
    if (goesOn) return `${goesOn.id} was to stop`;
    if (this.#site.deleted.get(id)) return "";
    if (line.conversation !== id) return `the site follows ${line.conversation}, and ${id} is on screen`;
    const path = conversation.path();
    if (id && !path.length) return "nothing on screen";
    const next = path.length && this.#site.of(id).find(({ parent }) => parent === path.at(-1).id);
    if (next) return `${next.id} follows what is on screen`;
    if (this.wish && !path.some((message) => message.id === this.wish)) return `${this.wish} is not on screen`;
    const lacks = this.#site.of(id).find((message) => isLive(message) && !conversation.messages.has(message.id));
    if (lacks) return `${lacks.id} is not there`;
    const seen = ({ state, epoch, text }) => `${state} ${epoch} ${text}`;
    const other = [...conversation.messages.values()].find((message) => seen(message) !== seen(this.#site.messages.get(message.id)));
    return other ? `${other.id} is ${seen(other)}, not ${seen(this.#site.messages.get(other.id))}` : "";
  }
}
