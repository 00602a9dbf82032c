// Messages above those on the page, fetched as the reader comes near.
import { part, show, write } from "../lib/dom.js";
import { address, getJSON } from "../lib/http.js";
import { say } from "../lib/words.js";

const NEAR = "800px 0px";

export class Earlier {
  #root = document.getElementById("earlier");
  #retry = part(this.#root, "retry");
  #watcher = new IntersectionObserver(([{ isIntersecting }]) => this.#comesNear(isIntersecting), {
    rootMargin: NEAR,
    scrollMargin: NEAR,
  });
  #session;
  #url;
  #near = false;
  #asked = null; // the message before which we asked last

  /** `url` is that of a conversation's earlier messages. */
  constructor({ session, url }) {
    this.#session = session;
    this.#url = url;
    this.#watch();
    this.#retry.addEventListener("click", () => this.#load());
    session.addEventListener("reset", () => {
      this.#asked = null;
      this.#watch();
    });
  }

  #comesNear(near) {
    this.#near = near;
    this.look();
  }

  /** See whether there is more, once what we have is drawn. */
  look() {
    const first = this.#session.conversation.firstOfMore();
    show(this.#root, first !== null);
    if (this.#near && first !== this.#asked) this.#load();
  }

  /** Look anew where we are, once what has come is drawn. */
  #watch() {
    this.#near = false;
    this.#watcher.disconnect();
    this.#watcher.observe(this.#root);
  }

  async #load() {
    const { conversation } = this.#session;
    const before = conversation.firstOfMore();
    if (before === null) return;
    this.#asked = before;
    this.#tell(say("earlier_loading"));
    try {
      const query = new URLSearchParams({ before });
      const page = await getJSON(`${address(this.#url, { id: conversation.id })}?${query}`);
      if (conversation.firstOfMore() !== before) return;
      this.#watch();
      this.#session.prepend(conversation, page);
    } catch (error) {
      if (conversation === this.#session.conversation) this.#tell(error.message, { failed: true });
    }
  }

  #tell(words, { failed = false } = {}) {
    write(part(this.#root, "state"), words);
    show(this.#retry, failed);
  }
}
