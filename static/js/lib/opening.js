// When the site is asked for the conversation on screen: once at a time, and not in a storm.
const AGAIN = 1000; // milliseconds between two attempts to close a gap
const LATER = 3000; // milliseconds after which a site that refused is asked again

export class Opening {
  /** Has the site been asked, and not answered yet? */
  isUnderWay = false;
  #ask;
  #askedAt = 0;
  #timer = 0;

  /** `ask()` asks the site. */
  constructor(ask) {
    this.#ask = ask;
  }

  now() {
    this.#askAt(0);
  }

  /** Ask for what is missing. */
  again() {
    if (!this.isUnderWay) this.#askAt(this.#askedAt + AGAIN - performance.now());
  }

  later() {
    this.#askAt(LATER);
  }

  /** The site has answered, or never will. */
  end() {
    this.isUnderWay = false;
  }

  /** Another conversation is on screen. */
  forget() {
    this.isUnderWay = false;
    clearTimeout(this.#timer);
  }

  #askAt(wait) {
    clearTimeout(this.#timer);
    if (wait > 0) {
      this.#timer = setTimeout(() => this.isUnderWay || this.now(), wait);
      return;
    }
    this.isUnderWay = true;
    this.#askedAt = performance.now();
    this.#ask();
  }
}
