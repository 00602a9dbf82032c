// Lets a screen reader hear a reply as it comes: what it waits for, its sentences, each once, and how it ended.
import { part } from "../lib/dom.js";
import { spoken } from "../lib/speech.js";
import { announce } from "./notices.js";

const PAUSE = 700; // milliseconds in which sentences are collected
const LINGER = 10_000; // milliseconds after which what was said is gone: at the end of the page it would be read again

export class Speaker {
  #region = document.getElementById("speech");
  #message = null; // whose reply is heard
  #article = null;
  #block = 0; // which of its blocks
  #said = 0; // so many characters of that block were said
  #skips = false; // what is there already is not said
  #waiting = null; // what was said of the time before its first word
  #ending = null; // what is to be said after its last sentence
  #timer = 0;

  /** Begin with a reply that is on its way; what is there of one that this page did not see begin is left out. */
  follow(message) {
    if (message.id === this.#message?.id) return;
    this.#finish();
    this.#message = message;
    this.#skips = !message.clock;
    this.#listen();
  }

  /** Say `words` once all of the followed reply is said; gives false when this one is not followed. */
  end(message, words) {
    if (message.id !== this.#message?.id) return false;
    this.#ending = words;
    this.#listen();
    return true;
  }

  #listen() {
    clearTimeout(this.#timer);
    const before = this.#article;
    this.#article = document.querySelector(`.reply[data-message="${this.#message.id}"]`);
    if (before && !this.#article) return this.#finish(); // the reader has turned to something else
    const isWhole = this.#ending !== null && (!this.#article || "whole" in this.#text.dataset);
    if (this.#article) this.#tell();
    if (isWhole) return this.#finish();
    this.#timer = setTimeout(() => this.#listen(), this.#ending === null ? PAUSE : PAUSE / 7);
  }

  #finish() {
    clearTimeout(this.#timer);
    if (this.#ending) announce(this.#ending);
    this.#message = this.#article = this.#waiting = this.#ending = null;
    this.#block = this.#said = 0;
  }

  get #text() {
    return part(this.#article, "text");
  }

  #tell() {
    const { position } = this.#message;
    const thinking = this.#article.querySelector(".thinking:has(.dots:not([hidden])) [data-part=title]");
    const signs = [part(this.#article, "waiting"), thinking];
    const sign = signs.find((element) => element && !element.hidden);
    // Of somebody in line the place is news; how long it may take changes with each second.
    const waiting = sign && (sign === signs[1] ? "thinking" : `${position}`);
    if (waiting && waiting !== this.#waiting) this.#say(sign.textContent);
    this.#waiting = waiting ?? this.#waiting;
    if ("unread" in this.#text.dataset) return; // its marks are not words
    const words = this.#more();
    if (words && !this.#skips) this.#say(words);
    this.#skips &&= "behind" in this.#text.dataset; // a long text is drawn bit by bit
  }

  /** Give what has come since the last time. */
  #more() {
    const blocks = [...this.#text.children];
    const news = [];
    for (; this.#block < blocks.length; this.#block += 1) {
      const grows = this.#block === blocks.length - 1 && !("whole" in this.#text.dataset);
      const words = spoken(blocks[this.#block], { grows });
      news.push(words.slice(this.#said).trim());
      this.#said = Math.max(this.#said, words.length);
      if (grows) break;
      this.#said = 0;
    }
    return news.filter(Boolean).join("\n");
  }

  /** Each line is an element of its own, before which a reader of the screen pauses. */
  #say(words) {
    for (const line of words.split("\n")) {
      const element = document.createElement("p");
      element.textContent = line;
      this.#region.append(element);
      setTimeout(() => element.remove(), LINGER);
    }
  }
}
