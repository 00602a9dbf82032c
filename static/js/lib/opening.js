// When the site is asked for the conversation on screen: once at a time, and not in a storm.
const AGAIN = 1000; // milliseconds between two attempts to close a gap
const LATER = 3000; // milliseconds after which a site that refused is asked again

export class Opening {
  #ask;
  #shown = null;
  #unanswered = []; // {conversation, at} that the site was asked for, first ones first: so it answers
  #askedAt = 0;
  #timer = 0;

  /** `ask(conversation)` asks the site. */
  constructor(ask) {
    this.#ask = ask;
  }

  /** Has the site been asked for what is on screen, and not answered yet? */
  get isUnderWay() {
    return this.#unanswered.some(({ conversation }) => conversation === this.#shown);
  }

  /** Another conversation is on screen. */
  turnTo(conversation) {
    this.#shown = conversation;
    clearTimeout(this.#timer);
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

  /** The site has given the conversation `id`: gives what it was asked, or null when it will give the one on screen once more. */
  answered(id) {
    const index = this.#unanswered.findIndex(({ conversation }) => conversation.id === id);
    const asked = this.#unanswered.splice(0, index + 1).at(-1);
    return this.isUnderWay ? null : (asked ?? this.#shown);
  }

  /** The site has refused what it was asked first; gives that conversation, or null when it was asked for none. */
  refused() {
    return this.#unanswered.shift()?.conversation ?? null;
  }

  /** The connection is another one: on that nothing was asked. */
  forget() {
    this.#unanswered = [];
  }

  #askAt(wait) {
    clearTimeout(this.#timer);
    if (wait > 0) {
      this.#timer = setTimeout(() => this.isUnderWay || this.now(), wait);
      return;
    }
    this.#unanswered.push({ conversation: this.#shown, at: this.#shown.at });
    this.#askedAt = performance.now();
    this.#ask(this.#shown);
  }
}
