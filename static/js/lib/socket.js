// One websocket that comes back by itself. Frames are JSON objects with a `type`.
import { visitorProtocols } from "./visitor.js";

const FIRST_WAIT = 250; // milliseconds, doubled at each try
const LONGEST_WAIT = 10_000;
const HANDSHAKE = 10_000; // milliseconds that a connection may take to come about
const SERVICE_RESTART = 1012;
const TOO_MUCH = 4429;

/** Dispatches "open", "lost" and "frame" (detail: the frame). */
export class Socket extends EventTarget {
  #path;
  #socket = null;
  #tries = 0;
  #patience = 0; // milliseconds that the site asked for
  #timer = 0;

  constructor(path) {
    super();
    this.#path = path;
    // A phone that wakes or a network that comes back should not wait for the timer.
    window.addEventListener("online", () => this.retryNow());
    // What was connected may look so for minutes.
    window.addEventListener("offline", () => this.renew());
    document.addEventListener("visibilitychange", () => document.hidden || this.retryNow());
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  connect() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const url = new URL(this.#path, location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url, visitorProtocols);
    this.#socket = socket;
    setTimeout(() => socket.readyState === WebSocket.CONNECTING && this.#giveUp(socket), HANDSHAKE);
    socket.addEventListener("open", () => this.#isCurrent(socket) && this.dispatchEvent(new Event("open")));
    socket.addEventListener("message", ({ data }) => {
      if (!this.#isCurrent(socket)) return;
      const frame = JSON.parse(data);
      if (frame.type === "error" && frame.seconds) this.#patience = frame.seconds * 1000;
      else this.#tries = this.#patience = 0;
      this.dispatchEvent(new CustomEvent("frame", { detail: frame }));
    });
    socket.addEventListener("close", ({ code }) => this.#lost(socket, code));
  }

  /** Send a frame; false when there is no connection, and the caller sends it again after "open". */
  send(frame) {
    if (!this.isOpen) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** Give up a connection that seems dead, and begin another one. */
  renew() {
    if (this.#socket) this.#giveUp(this.#socket);
  }

  retryNow() {
    if (this.#timer) this.connect();
  }

  #isCurrent(socket) {
    return socket === this.#socket;
  }

  #giveUp(socket) {
    this.#lost(socket, 0);
    socket.close();
  }

  #lost(socket, code) {
    if (!this.#isCurrent(socket)) return;
    this.#socket = null;
    const atOnce = code === SERVICE_RESTART && this.#tries === 0;
    const longest = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.#tries);
    const patience = code === TOO_MUCH ? this.#patience : 0;
    this.#tries += 1;
    this.#timer = setTimeout(() => this.connect(), atOnce ? 0 : Math.max(patience, longest * (0.5 + Math.random() / 2)));
    this.dispatchEvent(new CustomEvent("lost", { detail: { code } }));
  }
}
