// What the site was asked and has not acknowledged yet. Nothing is asked twice: a frame sent again carries the same client_id.
const NO_ANSWER = 15_000; // milliseconds after which a connection that answers nothing is given up

export class Asked {
  #socket;
  #waiting = new Map(); // client_id → {frame, conversation, patience in milliseconds, timer, isRepeated}
  #stops = new Set(); // messages that have not ended yet, as far as we know

  constructor(socket) {
    this.#socket = socket;
  }

  /** Send a frame with a client_id, which is about this conversation. */
  add(frame, conversation) {
    this.take(frame.client_id); // what is asked last stands last
    const sent = { frame, conversation, patience: NO_ANSWER, timer: 0, isRepeated: false };
    this.#waiting.set(frame.client_id, sent);
    this.#send(sent);
  }

  stop(message) {
    this.#stops.add(message);
    this.#socket.send({ type: "stop", message });
  }

  /** This message has ended. */
  ended(message) {
    this.#stops.delete(message);
  }

  /**
   * Send all of it over a new connection. The site follows what it hears of last: what is about `shown` goes after
   * `follow(whether anything went before)`.
   */
  again(shown, follow) {
    const others = [...this.#waiting.values()].filter(({ conversation }) => conversation !== shown);
    const own = [...this.#waiting.values()].filter(({ conversation }) => conversation === shown);
    for (const sent of others) this.#send(sent);
    follow(others.length > 0);
    for (const sent of own) this.#send(sent);
    for (const message of this.#stops) this.#socket.send({ type: "stop", message });
  }

  /** Give what was sent under this client_id, {frame, conversation, isRepeated}, or null. */
  find(clientId) {
    return this.#waiting.get(clientId) ?? null;
  }

  /** Give the same; it is acknowledged now. */
  take(clientId) {
    const sent = this.find(clientId);
    this.#waiting.delete(clientId);
    clearTimeout(sent?.timer);
    return sent;
  }

  /** Is something about this conversation not acknowledged? */
  has(conversation) {
    return [...this.#waiting.values()].some((sent) => sent.conversation === conversation);
  }

  #send(sent) {
    clearTimeout(sent.timer);
    if (!this.#socket.send(sent.frame)) return;
    sent.isRepeated = sent.timer !== 0;
    sent.timer = setTimeout(() => this.#socket.isOpen && this.#socket.renew(), sent.patience);
    sent.patience *= 2; // a site that is slow is not asked ever more often
  }
}
