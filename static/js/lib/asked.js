// What the site was asked and has not acknowledged yet. Nothing is asked twice: a frame sent again carries the same client_id.
const NO_ANSWER = 15_000; // milliseconds after which a connection that answers nothing is given up

export class Asked {
  #socket;
  #waiting = new Map(); // client_id → {frame, conversation}
  #stops = new Set(); // messages

  constructor(socket) {
    this.#socket = socket;
  }

  /** Send a frame with a client_id, which is about this conversation. */
  add(frame, conversation) {
    this.#waiting.set(frame.client_id, { frame, conversation });
    this.#socket.send(frame);
    setTimeout(() => this.#waiting.has(frame.client_id) && this.#socket.isOpen && this.#socket.renew(), NO_ANSWER);
  }

  stop(message) {
    if (!this.#socket.send({ type: "stop", message })) this.#stops.add(message);
  }

  /** Send all of it over a new connection. */
  again() {
    for (const { frame } of this.#waiting.values()) this.#socket.send(frame);
    for (const message of this.#stops) this.#socket.send({ type: "stop", message });
    this.#stops.clear();
  }

  /** Give what was sent under this client_id, {frame, conversation}, or null. */
  find(clientId) {
    return this.#waiting.get(clientId) ?? null;
  }

  /** Give the same; it is acknowledged now. */
  take(clientId) {
    const sent = this.find(clientId);
    this.#waiting.delete(clientId);
    return sent;
  }

  /** Is something about this conversation not acknowledged? */
  has(conversation) {
    return [...this.#waiting.values()].some((sent) => sent.conversation === conversation);
  }
}
