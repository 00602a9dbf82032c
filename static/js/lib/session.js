// What this page asks of the site and what it hears: one socket, one followed conversation, and the frames
// that were not acknowledged yet. Nothing is asked twice: a frame sent again carries the same client_id.
import { Conversation, isLive } from "./conversation.js";

const PATIENCE = 400; // milliseconds in which the messages of an accepted frame should have come
const NO_ANSWER = 15_000; // milliseconds after which a connection that answers nothing is given up
const OPEN_AGAIN = 1000; // milliseconds between two attempts to close a gap
const OPEN_LATER = 3000; // milliseconds after which a conversation is asked for again when the site refused

/**
 * Dispatches "connection" ({open, code}), "hello" ({version}), "reset" (another conversation), "loaded", "change" ({ids}),
 * "accepted" ({frame, sent, here}), "refused" ({frame, sent}), "ended" ({message}), "deleted" ({id}).
 */
export class Session extends EventTarget {
  conversation = new Conversation();
  #socket;
  #waiting = new Map(); // client_id → {frame, conversation}
  #stops = new Set();
  #streams = new Map(); // number → message that deltas with it belong to
  #unknown = new Set(); // messages that the site names and that are not of this conversation
  #opening = false;
  #openedAt = 0;
  #timer = 0;

  constructor(socket) {
    super();
    this.#socket = socket;
    socket.addEventListener("open", () => this.#resume());
    socket.addEventListener("lost", ({ detail }) => this.#tell("connection", { open: false, code: detail.code }));
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
    return [...this.#waiting.values()].some(({ conversation }) => conversation === this.conversation);
  }

  /** Follow the conversation `id`, or none: a new one, which gets its id with the first message. */
  follow(id) {
    this.conversation = new Conversation(id);
    this.#unknown.clear();
    this.#opening = false;
    clearTimeout(this.#timer);
    this.#tell("reset");
    this.#followShown();
  }

  /** Ask the model, or ask again (`frame.type` "send", "regenerate" or "continue", with a client_id). */
  ask(frame) {
    this.#waiting.set(frame.client_id, { frame, conversation: this.conversation });
    this.#socket.send(frame);
    setTimeout(() => this.#waiting.has(frame.client_id) && this.connected && this.#socket.renew(), NO_ANSWER);
    this.#tell("change", { ids: [] });
  }

  stop(message) {
    if (!this.#socket.send({ type: "stop", message })) this.#stops.add(message);
  }

  /** Note what went over HTTP about a reply, without waiting for the socket to say so. */
  note(values) {
    this.#apply({ type: "feedback", ...values });
  }

  #resume() {
    this.#opening = false;
    this.#tell("connection", { open: true });
    if (this.conversation.id) this.#open();
    for (const { frame } of this.#waiting.values()) this.#socket.send(frame);
    for (const message of this.#stops) this.#socket.send({ type: "stop", message });
    this.#stops.clear();
  }

  #followShown() {
    if (this.conversation.id) this.#open();
    else this.#socket.send({ type: "leave" });
  }

  #open() {
    this.#opening = true;
    this.#openedAt = performance.now();
    const { id } = this.conversation;
    this.#socket.send({ type: "open", conversation: id, have: this.conversation.have() });
  }

  /** Ask for what is missing, once at a time and not in a storm. */
  #closeGap() {
    if (this.#opening || !this.conversation.id) return;
    const wait = this.#openedAt + OPEN_AGAIN - performance.now();
    clearTimeout(this.#timer);
    if (wait <= 0) this.#open();
    else this.#timer = setTimeout(() => this.#opening || this.#open(), wait);
  }

  #take(received) {
    const frame = Array.isArray(received) ? this.#delta(received) : received;
    if (frame.type === "stream") this.#streams.set(frame.stream, frame.message);
    if (frame.type === "hello") this.#tell("hello", { version: frame.version });
    else if (frame.type === "accepted") this.#accepted(frame);
    else if (frame.type === "error") this.#refused(frame);
    else if (frame.type === "missed") this.#missed(frame);
    else if (frame.type === "deleted") this.#deleted(frame);
    else if (this.#isOurs(frame)) this.#apply(frame);
  }

  /** Read [stream, text] as the object that it stands for. */
  #delta([stream, text]) {
    return { type: "delta", message: this.#streams.get(stream), text };
  }

  /** Look again: the process at the other end may not have heard what happened in another one. */
  #missed({ conversation }) {
    if (conversation === this.conversation.id) this.#closeGap();
  }

  #deleted({ conversation }) {
    if (conversation === this.conversation.id) this.#tell("deleted", { id: conversation });
  }

  #isOurs(frame) {
    if (frame.type === "conversation") return frame.id === this.conversation.id;
    if (frame.type !== "message") return this.conversation.id !== null && !this.#unknown.has(frame.message);
    const sent = this.#waiting.get(frame.message.client_id);
    if (sent?.conversation === this.conversation) this.conversation.id ??= frame.message.conversation;
    return frame.message.conversation === this.conversation.id;
  }

  #apply(frame) {
    const before = this.conversation.messages.get(frame.message);
    const wasLive = before && isLive(before);
    const { changed, gap } = this.conversation.apply(frame);
    if (frame.type === "conversation") this.#opening = false;
    if (gap && typeof frame.message === "string" && !before) this.#unknown.add(frame.message);
    for (const id of changed) this.#unknown.delete(id);
    if (gap) this.#closeGap();
    if (frame.type === "conversation") this.#tell("loaded");
    if (changed.length || frame.type === "conversation") this.#tell("change", { ids: changed });
    if (frame.type === "state" && wasLive && !isLive(before)) this.#tell("ended", { message: before });
  }

  #accepted(frame) {
    const sent = this.#waiting.get(frame.client_id);
    if (!sent) return;
    this.#waiting.delete(frame.client_id);
    const here = sent.conversation === this.conversation;
    if (here) {
      this.conversation.id ??= frame.conversation;
      this.#unknown.delete(frame.reply);
      setTimeout(() => {
        const missing = !sent.conversation.messages.has(frame.reply);
        if (missing && sent.conversation === this.conversation) this.#closeGap();
      }, PATIENCE);
    } else {
      // The site now follows what was sent, but the visitor has gone on to another conversation.
      this.#followShown();
    }
    this.#tell("accepted", { frame, sent: sent.frame, here });
    this.#tell("change", { ids: [] });
  }

  #refused(frame) {
    const sent = this.#waiting.get(frame.client_id) ?? null;
    if (sent) this.#waiting.delete(frame.client_id);
    if (this.#opening && !frame.client_id) {
      this.#opening = false;
      if (frame.code !== "not_found") this.#timer = setTimeout(() => this.#opening || this.#open(), OPEN_LATER);
    }
    this.#tell("refused", { frame, sent: sent?.frame ?? null, here: sent?.conversation === this.conversation });
    this.#tell("change", { ids: [] });
  }

  #tell(kind, detail = {}) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
  }
}
