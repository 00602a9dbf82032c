// The messages of one conversation as the site told them; no document, no socket.
// Text of a reply is addressed by (message, epoch, offset), see chat/events.py. What does not fit says so
// by `gap`, and the session then asks the site for what is missing.
import { codePoints, firstCodePoints } from "./text.js";

const LIVE = ["queued", "streaming"];
const MOST_HELD = 500; // entries in `have`: keeps `open` far below the site's limit on frames

export const isLive = (message) => LIVE.includes(message.state);

export class Conversation {
  #chosen = new Map(); // parent id, or null → the child that is shown

  constructor(id = null) {
    this.id = id;
    this.title = "";
    this.model = null;
    this.messages = new Map();
  }

  /** List what we hold, for `open`. */
  have() {
    const held = [...this.messages.values()].filter((message) => message.length > 0);
    return held.slice(-MOST_HELD).map(({ id, epoch, length }) => ({ message: id, epoch, offset: length }));
  }

  /** Take a frame in; gives {changed: ids, gap}. Frames of other kinds change nothing. */
  apply(frame) {
    const take = {
      conversation: () => this.#load(frame),
      message: () => this.#add(frame.message),
      stream: () => this.#mark(frame),
      delta: () => this.#append(frame),
      replace: () =>
        this.#change(frame, { text: frame.text, epoch: frame.epoch, length: codePoints(frame.text), astray: false }),
      state: () => this.#finish(frame),
      queue: () => this.#change(frame, { position: frame.position, seconds: frame.seconds }),
      feedback: () => this.#change(frame, saidIn(frame)),
    }[frame.type];
    return take ? take() : { changed: [], gap: false };
  }

  /** Is a reply on its way, here or in another tab? */
  liveReply() {
    return [...this.messages.values()].find((message) => message.role === "assistant" && isLive(message)) ?? null;
  }

  /**
   * List the messages on screen from first to last, each as {message, siblings}: where replies have variants,
   * the one that was chosen, else the newest.
   */
  path() {
    const children = new Map();
    for (const message of this.messages.values()) {
      const parent = this.messages.has(message.parent) ? message.parent : null;
      if (!children.has(parent)) children.set(parent, []);
      children.get(parent).push(message.id);
    }
    const shown = [];
    for (let at = null; children.has(at); ) {
      const siblings = children.get(at);
      at = siblings.includes(this.#chosen.get(at)) ? this.#chosen.get(at) : siblings.at(-1);
      shown.push({ message: this.messages.get(at), siblings });
    }
    return shown;
  }

  /** The model that answered last, or that the conversation began with. */
  lastModel() {
    return [...this.messages.values()].findLast((message) => message.model)?.model ?? this.model;
  }

  /** The images of the messages that led to a reply, first ones first. */
  imagesBefore(id) {
    const images = [];
    for (let at = this.messages.get(id); at; at = this.messages.get(at.parent)) images.unshift(...at.images);
    return images;
  }

  /** All replies to what this one answers. */
  variantsOf({ parent }) {
    return [...this.messages.values()].filter((message) => message.parent === parent);
  }

  /** Show this variant from now on. */
  choose(id) {
    this.#chosen.set(this.messages.get(id).parent, id);
  }

  #lead(message) {
    for (let at = message; at; at = this.messages.get(at.parent)) this.#chosen.set(at.parent, at.id);
  }

  #load(frame) {
    const before = this.messages;
    let gap = false;
    Object.assign(this, { id: frame.id, title: frame.title, model: frame.model, messages: new Map() });
    for (const info of frame.messages) {
      const { message, whole } = merged(before.get(info.id), info);
      this.messages.set(info.id, message);
      gap ||= !whole;
    }
    const newest = frame.messages.at(-1);
    if (newest && !before.has(newest.id)) this.#lead(newest);
    return { changed: [...this.messages.keys()], gap };
  }

  #add(info) {
    const { message, whole } = merged(this.messages.get(info.id), info);
    const isNew = !this.messages.has(info.id);
    this.messages.set(info.id, message);
    if (isNew) this.#lead(message);
    return { changed: [info.id], gap: !whole };
  }

  /** Deltas go on at this place: see that our text ends there. */
  #mark({ message: id, epoch, offset }) {
    const message = this.messages.get(id);
    if (message) message.astray = message.epoch !== epoch || message.length !== offset;
    return { changed: [], gap: !message || message.astray };
  }

  #append({ message: id, text }) {
    const message = this.messages.get(id);
    if (!message || message.astray) return { changed: [], gap: true };
    message.text += text;
    message.length += codePoints(text);
    if (message.state === "queued") message.state = "streaming";
    return { changed: [id], gap: false };
  }

  #finish({ message: id, state, epoch, length, failure }) {
    const message = this.messages.get(id);
    if (!message) return { changed: [], gap: true };
    Object.assign(message, { state, failure: failure ?? null, position: null });
    const whole = isLive(message) || (message.epoch === epoch && message.length === length);
    return { changed: [id], gap: !whole };
  }

  #change({ message: id }, values) {
    const message = this.messages.get(id);
    if (message) Object.assign(message, values);
    return { changed: message ? [id] : [], gap: !message };
  }
}

/** What a visitor says of a reply, out of a frame about it. */
function saidIn({ vote, reasons, comment, boxes, preferred, flagged }) {
  return { vote, reasons, comment, boxes, preferred, flagged };
}

/** Join what we hold of a message with what the site sent of it. */
function merged(held, info) {
  const fits = info.offset === 0 || (held && held.epoch === info.epoch && info.offset <= held.length);
  const start = fits && info.offset > 0 ? firstCodePoints(held.text, info.offset) : "";
  const text = fits ? start + info.text : "";
  const length = codePoints(text);
  // We may hold more than was written of a reply that runs in another process; what follows tells when it caught up.
  const ahead = isLive(info) && length > info.length;
  return {
    message: { position: null, ...info, text, length },
    whole: fits && (length === info.length || ahead),
  };
}
