// The messages of one conversation as the site told them; no document, no socket.
// Text of a reply is addressed by (message, epoch, offset), see chat/events.py. What does not fit says so
// by `gap`, and the session then asks the site for what is missing.
import { branchOf, joinSiblings, newestBelow } from "./branch.js";
import * as pace from "./pace.js";
import { codePoints, firstCodePoints } from "./text.js";

const LIVE = ["queued", "streaming"];
const MOST_HELD = 500; // entries in `have`: keeps `open` far below the site's limit on frames

export const isLive = (message) => LIVE.includes(message.state);

export class Conversation {
  #leaf = null; // the last message on screen
  #chosen = null; // the message whose branch the visitor wants to see; else it is the newest one's
  #earlierImages = []; // of messages of the branch that we do not hold, a list for each that has some

  constructor(id = null, at = null) {
    this.id = id;
    this.#chosen = at;
    this.title = "";
    this.model = null;
    this.messages = new Map();
  }

  /** The message whose branch is wanted, for `open`. */
  get at() {
    return this.#chosen;
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
      // Also of messages that are not on this page.
      feedback: () => ({ ...this.#change(frame, saidIn(frame)), gap: false }),
    }[frame.type];
    return take ? take() : { changed: [], gap: false };
  }

  /** Is a reply on its way, here or in another tab? */
  liveReply() {
    return [...this.messages.values()].find((message) => message.role === "assistant" && isLive(message)) ?? null;
  }

  /** List the messages on screen from first to last. */
  path() {
    return branchOf(this.messages, this.#leaf);
  }

  /** The first message on screen, if there are earlier ones on its branch that we do not hold; else null. */
  firstOfMore() {
    const first = this.path()[0];
    return first?.parent ? first.id : null;
  }

  /** Take earlier messages of the branch, and what pictures come before them. */
  prepend({ messages, images }) {
    const earlier = messages.map((info) => [info.id, merged(undefined, info).message]);
    this.messages = new Map([...earlier, ...this.messages]);
    this.#earlierImages = images;
  }

  /** The model that answered last, or that the conversation began with. */
  lastModel() {
    return this.path().findLast((message) => message.model)?.model ?? this.model;
  }

  /** The images of the messages that led to a reply, first ones first. */
  imagesBefore(id) {
    const images = this.#earlierImages.flat();
    for (const message of branchOf(this.messages, id)) images.push(...message.images);
    return images;
  }

  /** All images of the branch on screen. */
  images() {
    return [...this.#earlierImages.flat(), ...this.path().flatMap(({ images }) => images)];
  }

  /** The images of the newest message with some that led to a reply: those that it was asked about. */
  imagesAskedAbout(id) {
    const asked = [...this.#earlierImages, ...branchOf(this.messages, id).map(({ images }) => images)];
    return asked.findLast((images) => images.length) ?? [];
  }

  /** Those of the replies to what this one answers that we hold. */
  variantsOf({ parent }) {
    return [...this.messages.values()].filter((message) => message.parent === parent);
  }

  /** Show the branch of this message from now on; false where we do not hold it and the site must be asked. */
  choose(id) {
    this.#chosen = id;
    if (!this.messages.has(id)) return false;
    this.#leaf = newestBelow(this.messages, id);
    return true;
  }

  /** Show the branch of a new message, if we hold it; what follows it may have come before. */
  turnTo(id) {
    if (this.messages.has(id)) [this.#leaf, this.#chosen] = [newestBelow(this.messages, id), null];
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
    this.#leaf = frame.leaf;
    this.#earlierImages = frame.images;
    this.#chosen = this.messages.has(frame.at) ? frame.at : null;
    return { changed: [...this.messages.keys()], gap };
  }

  #add(info) {
    const { message, whole } = merged(this.messages.get(info.id), info);
    const isNew = !this.messages.has(info.id);
    this.messages.set(info.id, message);
    joinSiblings(this.messages, message);
    if (isNew) this.turnTo(info.id);
    if (isNew && isLive(message)) pace.asked(message);
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
    pace.grows(message);
    message.text += text;
    message.length += codePoints(text);
    if (message.state === "queued") message.state = "streaming";
    return { changed: [id], gap: false };
  }

  #finish({ message: id, state, epoch, length, failure, cut, notice }) {
    const message = this.messages.get(id);
    if (!message) return { changed: [], gap: true };
    Object.assign(message, { state, failure: failure ?? null, cut, notice: notice ?? null, position: null });
    if (!isLive(message)) pace.ended(message);
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
    message: { position: null, clock: held?.clock, ...info, text, length },
    whole: fits && (length === info.length || ahead),
  };
}
