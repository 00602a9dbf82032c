// The site as chat/consumers.py and chat/outbox.py behave: what is stored, and its end of each socket.
import { chance, oneOf } from "./chance.js";

const LIVE = ["queued", "streaming"];
export const isLive = ({ state }) => LIVE.includes(state);

/** What is stored, and the replies that run; `stored` of a reply is behind. */
export class Site {
  deleted = new Map(); // conversation → whether it is
  messages = new Map();
  lines = new Set();
  refusals = 0; // that are still to come
  #made = new Map(); // client_id → {conversation, message, reply}

  of(conversation) {
    return [...this.messages.values()].filter((message) => message.conversation === conversation);
  }

  branch(leaf) {
    const branch = [];
    for (let at = this.messages.get(leaf); at; at = this.messages.get(at.parent)) branch.unshift(at);
    return branch;
  }

  info(message, held = null) {
    const { text, epoch, state } = message.stored;
    const fits = held?.epoch === epoch && (held.offset <= text.length || LIVE.includes(state));
    const offset = fits ? held.offset : 0;
    const beside = this.of(message.conversation).filter(({ parent }) => parent === message.parent);
    const siblings = beside.map(({ id }) => id);
    return { images: [], model: "m", failure: null, ...message, state, epoch, siblings, offset, length: text.length, text: text.slice(offset) };
  }

  snapshot({ conversation: id, have, at }) {
    const all = this.of(id);
    const below = new Set([at]);
    let leaf = at && all.some((message) => message.id === at) ? at : null;
    if (leaf) for (const message of all) if (below.has(message.parent)) below.add((leaf = message.id));
    leaf ??= all.at(-1)?.id;
    const wanted = [...this.branch(leaf), ...all.filter(isLive)];
    const infos = all.filter((message) => wanted.includes(message)).map((message) => this.info(message, have.find((held) => held.message === message.id)));
    return { type: "conversation", id, title: id, model: "m", leaf, images: [], messages: infos };
  }

  /** Store what is asked, once; gives {error} or what was made. */
  start(frame) {
    const before = this.#made.get(frame.client_id);
    const old = this.messages.get(frame.message);
    const id = before?.conversation ?? old?.conversation ?? frame.conversation ?? `c${this.deleted.size}`;
    if (this.deleted.get(id)) return { error: "not_found" };
    if (before) return { ...before, isFresh: false };
    if (this.of(id).some(isLive)) return { error: "reply_running" };
    this.deleted.set(id, false);
    const question = frame.type === "send" ? this.#add(id, frame.parent, "user", frame.text) : this.messages.get(old.parent);
    const reply = this.#add(id, question.id, "assistant", "");
    const shown = frame.type === "send" ? [question, reply] : [reply];
    const made = { conversation: id, message: question.id, reply: reply.id, shown };
    this.#made.set(frame.client_id, made);
    return { ...made, isFresh: true };
  }

  #add(conversation, parent, role, text) {
    const values = { text, epoch: 0, state: role === "user" ? "complete" : "queued" };
    const message = { id: `m${this.messages.size}`, conversation, parent, role, ...values, stored: values, stops: false };
    this.messages.set(message.id, message);
    return message;
  }

  /** Let one of the replies go on by a step. */
  grow() {
    const message = oneOf([...this.messages.values()].filter(isLive));
    if (!message) return;
    const ends = message.stops || chance(0.1);
    if (ends) message.state = message.stops ? "stopped" : "complete";
    else if (message.state === "queued") message.state = "streaming";
    else if (chance(0.15)) Object.assign(message, { epoch: message.epoch + 1, text: `${message.text.slice(2)}!` });
    else message.text += oneOf(["a", "bc", "def"]);
    const { text, epoch, state } = message;
    if (ends || chance(0.2)) message.stored = { text, epoch, state };
    else message.stored = { ...message.stored, state };
  }

  delete(conversation) {
    this.deleted.set(conversation, true);
    for (const message of this.of(conversation)) message.stops = true;
    for (const line of this.lines) line.announced.push({ type: "deleted", conversation });
  }
}

/** The site's end of one socket. */
export class Line {
  asked = []; // frames of the page that the site has not handled
  announced = []; // what happened in other sockets, not handled either
  said = []; // frames that the page has not got
  conversation = null;
  #frames = [{ type: "hello", version: "" }];
  #followed = new Map();
  #streams = 0;
  #sending = this.#send();

  constructor(site) {
    this.site = site;
    site.lines.add(this);
  }

  handle() {
    while (this.announced.length) this.hear(); // it happened before
    const frame = this.asked.shift();
    const { site } = this;
    const refuse = (code) => this.#frames.push({ type: "error", code, text: code, client_id: frame.client_id ?? null });
    if (site.refusals && ["open", "send", "regenerate"].includes(frame.type) && chance(0.5)) {
      site.refusals -= 1;
      if (frame.type === "open") this.#leave();
      return refuse("storage_unavailable");
    }
    if (frame.type === "leave") return this.#leave();
    if (frame.type === "stop") return void (site.messages.get(frame.message).stops = true);
    if (frame.type === "open") {
      this.#leave();
      if (site.deleted.get(frame.conversation)) return refuse("not_found");
      this.conversation = frame.conversation;
      const snapshot = site.snapshot(frame);
      this.#frames.push(snapshot);
      return snapshot.messages.forEach((info) => this.#follow(info));
    }
    const { error, conversation, message, reply, shown, isFresh } = site.start(frame);
    if (error) return refuse(error);
    if (this.conversation !== conversation) this.#leave();
    this.conversation = conversation;
    this.#frames.push({ type: "accepted", client_id: frame.client_id, conversation, message, reply });
    const infos = shown.map((each) => site.info(each));
    this.#show(infos);
    const others = [...site.lines].filter((line) => isFresh && line !== this);
    for (const line of others) line.announced.push({ type: "messages", conversation, infos });
  }

  hear() {
    const { type, conversation, infos } = this.announced.shift();
    if (conversation !== this.conversation) return;
    if (type === "messages") return this.#show(infos);
    this.#frames.push({ type, conversation });
    if (type === "deleted") this.#leave();
  }

  /** Send one frame more; gives whether there was one. */
  send() {
    const before = this.said.length;
    this.#sending.next();
    return this.said.length > before;
  }

  #leave() {
    this.#followed.clear();
    this.conversation = null;
  }

  #follow({ id, state, epoch, offset, text }) {
    if (!LIVE.includes(state) || this.#followed.has(id)) return;
    this.#streams += 1;
    this.#followed.set(id, { id, state, epoch, offset: offset + text.length, stream: this.#streams, deltas: 0 });
  }

  #show(infos) {
    const news = infos.filter(({ id }) => !this.#followed.has(id));
    for (const message of news) this.#frames.push({ type: "message", message });
    for (const info of news) this.#follow(info);
  }

  *#send() {
    for (;;) {
      while (this.#frames.length) yield this.said.push(this.#frames.shift());
      for (const followed of [...this.#followed.values()]) yield* this.#sendNewest(followed);
      if (!this.#frames.length) yield;
    }
  }

  *#sendNewest(followed) {
    const { id } = followed;
    if (this.#followed.get(id) !== followed) return;
    const { state, epoch, text } = this.site.messages.get(id);
    const tell = (frame) => this.said.push(frame);
    const isAhead = followed.offset > text.length;
    const marked = followed.offset;
    if (followed.epoch !== epoch || (isAhead && !LIVE.includes(state))) {
      Object.assign(followed, { epoch, offset: text.length, deltas: 0 });
      yield tell({ type: "replace", message: id, epoch, text });
    } else if (followed.offset < text.length) {
      followed.offset = text.length;
      if (followed.deltas % 3 === 0) yield tell({ type: "stream", stream: followed.stream, message: id, epoch, offset: marked });
      followed.deltas += 1;
      yield tell([followed.stream, text.slice(marked)]);
    }
    if (state !== followed.state) {
      followed.state = state;
      yield tell({ type: "state", message: id, state, epoch, length: text.length, cut: false });
    }
    if (!LIVE.includes(state) && this.#followed.get(id) === followed) this.#followed.delete(id);
  }
}
