// What this page asks of the site and what it hears: one socket and one followed conversation.
import { Asked } from "./asked.js";
import { Conversation, isLive } from "./conversation.js";
import { Opening } from "./opening.js";

const PATIENCE = 400; // milliseconds in which the messages of an accepted frame should have come

/**
 * Dispatches "connection" ({open, code, words}), "hello" ({version}), "reset" (another conversation), "loaded", "change" ({ids}),
 * "accepted" ({frame, sent, here}), "refused" ({frame, sent}), "ended" ({message}), "titled" ({title}),
 * "deleted" ({id}).
 */
export class Session extends EventTarget {
  conversation = new Conversation();
  #socket;
  #asked;
  #opening = new Opening((conversation) => this.#open(conversation));
  #streams = new Map(); // number → message that deltas with it belong to
  #greeted = false; // by the site, on the connection that is open
  #refusal = ""; // why the site took no more
  #unknown = new Set(); // messages that the site names and that are not of this conversation

  constructor(socket) {
    super();
    this.#socket = socket;
    this.#asked = new Asked(socket);
    socket.addEventListener("open", () => this.#resume());
    socket.addEventListener("lost", ({ detail }) => this.#lost(detail.code));
    socket.addEventListener("frame", ({ detail }) => this.#take(detail));
  }

  connect() {
    this.#socket.connect();
  }

  get connected() {
    return this.#socket.isOpen;
  }

  /** Is a message under way that the site has not acknowledged? */
  get sending() {
    return this.#asked.has(this.conversation);
  }

  /** Follow the conversation `id`, on the branch of message `at`; or none: a new one, which gets its id with the first message. */
  follow(id, at = null) {
    this.conversation = new Conversation(id, at);
    this.#unknown.clear();
    this.#opening.turnTo(this.conversation);
    this.#followShown(); // first: the site reads while the page is cleared
    this.#tell("reset");
  }

  /** Ask the model, or ask again (`frame.type` "send", "regenerate" or "continue", with a client_id). */
  ask(frame) {
    this.#asked.add(frame, this.conversation);
    this.#tell("change", { ids: [] });
  }

  /** Show the branch of this message, of which we may not hold all. */
  choose(message) {
    const isHeld = this.conversation.choose(message);
    // What the site was asked for before is the branch before.
    if (!isHeld || this.#opening.isUnderWay) this.#opening.now();
    if (isHeld) this.#tell("change", { ids: [] });
  }

  /** Take earlier messages of a conversation, which came over HTTP. */
  prepend(conversation, page) {
    conversation.prepend(page);
    if (conversation === this.conversation) this.#tell("change", { ids: [] });
  }

  stop(message) {
    this.#asked.stop(message);
  }

  /** Note what went over HTTP about a reply, without waiting for the socket to say so. */
  note(values) {
    this.#apply({ type: "feedback", ...values });
  }

  #lost(code) {
    this.#greeted = false;
    this.#tell("connection", { open: false, code, words: this.#refusal });
  }

  #resume() {
    this.#opening.forget();
    this.#tell("connection", { open: true });
    // By itself a connection follows nothing.
    this.#asked.again(this.conversation, (others) => (others || this.conversation.id) && this.#followShown());
  }

  #followShown() {
    if (this.conversation.id) this.#opening.now();
    else this.#socket.send({ type: "leave" });
  }

  #open(conversation) {
    const { id, at } = conversation;
    this.#socket.send({ type: "open", conversation: id, have: conversation.have(), at });
  }

  #closeGap() {
    if (this.conversation.id) this.#opening.again();
  }

  #take(received) {
    const frame = Array.isArray(received) ? this.#delta(received) : received;
    if (frame.type === "stream") this.#streams.set(frame.stream, frame.message);
    if (frame.type === "conversation" && !this.#isAnswer(frame)) return;
    if (frame.type === "hello") this.#hello(frame);
    else if (frame.type === "accepted") this.#accepted(frame);
    else if (frame.type === "error") this.#refused(frame);
    else if (frame.type === "missed") this.#missed(frame);
    else if (frame.type === "titled") this.#titled(frame);
    else if (frame.type === "deleted") this.#deleted(frame);
    else if (this.#isOurs(frame)) this.#apply(frame);
  }

  /** Is this what the site was asked for last? Note at which message. */
  #isAnswer(frame) {
    const asked = this.#opening.answered(frame.id);
    if (asked) frame.at = asked.at;
    return asked !== null;
  }

  #hello({ version }) {
    this.#greeted = true;
    this.#refusal = "";
    this.#tell("hello", { version });
  }

  /** Read [stream, text] as the object that it stands for. */
  #delta([stream, text]) {
    return { type: "delta", message: this.#streams.get(stream), text };
  }

  /** Look again: the process at the other end may not have heard what happened in another one. */
  #missed({ conversation }) {
    if (conversation === this.conversation.id) this.#closeGap();
  }

  #titled({ conversation, title }) {
    if (conversation !== this.conversation.id) return;
    this.conversation.title = title;
    this.#tell("titled", { title });
  }

  #deleted({ conversation }) {
    if (conversation === this.conversation.id) this.#tell("deleted", { id: conversation });
  }

  #isOurs(frame) {
    if (frame.type === "conversation") return frame.id === this.conversation.id;
    if (frame.type !== "message") return this.conversation.id !== null && !this.#unknown.has(frame.message);
    const sent = this.#asked.find(frame.message.client_id);
    if (sent?.conversation === this.conversation) this.conversation.id ??= frame.message.conversation;
    return frame.message.conversation === this.conversation.id;
  }

  #apply(frame) {
    const before = this.conversation.messages.get(frame.message);
    const wasLive = before && isLive(before);
    const { changed, gap } = this.conversation.apply(frame);
    if (gap && typeof frame.message === "string" && !before) this.#unknown.add(frame.message);
    for (const id of changed) {
      this.#unknown.delete(id);
      if (!isLive(this.conversation.messages.get(id))) this.#asked.ended(id);
    }
    if (gap) this.#closeGap();
    if (frame.type === "conversation") this.#tell("loaded");
    if (changed.length || frame.type === "conversation") this.#tell("change", { ids: changed });
    if (frame.type === "state" && wasLive && !isLive(before)) this.#tell("ended", { message: before });
  }

  #accepted(frame) {
    const sent = this.#asked.take(frame.client_id);
    if (!sent) return;
    // Where the visitor has gone on since, the site was told so after this message, and follows what is on screen.
    const here = sent.conversation === this.conversation;
    if (here) {
      const isNew = this.conversation.id === null;
      this.conversation.id ??= frame.conversation;
      if (isNew && sent.isRepeated) this.#opening.now(); // another tab may have gone on in it already
      this.conversation.turnTo(frame.reply); // which has come where this was asked before a connection was lost
      this.#unknown.delete(frame.reply);
      setTimeout(() => {
        const missing = !sent.conversation.messages.has(frame.reply);
        if (missing && sent.conversation === this.conversation) this.#closeGap();
      }, PATIENCE);
    }
    this.#tell("accepted", { frame, sent: sent.frame, here });
    this.#tell("change", { ids: [] });
  }

  #refused(frame) {
    if (frame.seconds) this.#refusal = frame.text;
    if (!this.#greeted) return; // it closes the connection, which says why
    if (!frame.client_id && !this.#concernsShown(frame)) return;
    const sent = this.#asked.take(frame.client_id);
    this.#tell("refused", { frame, sent: sent?.frame ?? null, here: sent?.conversation === this.conversation });
    this.#tell("change", { ids: [] });
  }

  /** Is what was refused without a client_id about what is on screen? If that was asked for, ask again later. */
  #concernsShown({ code, field }) {
    if (field === "message") return false; // a reply to be stopped, which is gone
    const opened = this.#opening.refused();
    if (opened === this.conversation && code !== "not_found") this.#opening.later();
    return opened === null || opened === this.conversation;
  }

  #tell(kind, detail = {}) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
  }
}
