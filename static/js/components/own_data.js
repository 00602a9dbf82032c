// What visitors decide about their data: the research switch, a receipt, and deletion.
import { copyText } from "../lib/clipboard.js";
import { part, show, write } from "../lib/dom.js";
import { address, postJSON } from "../lib/http.js";
import { browser, tab } from "../lib/storage.js";
import { say } from "../lib/words.js";
import { RichText } from "./rich_text.js";

export class OwnData {
  #dialog = document.getElementById("own-data");
  #question = document.getElementById("confirm");
  #switch = part(this.#dialog, "research");
  #code = part(this.#dialog, "code");
  #site;
  #consent;
  #onDeleted;

  /** `site`: consent, urls, csrf_token; `onDeleted(id)` hears of a conversation that is gone. */
  constructor(site, { consent, onDeleted }) {
    this.#site = site;
    this.#consent = consent;
    this.#onDeleted = onDeleted;
    const on = (name, action) => part(this.#dialog, name).addEventListener("click", action);
    on("close", () => this.#dialog.close());
    on("receipt", () => this.#try(() => this.#giveReceipt()));
    on("copy", async () => {
      await copyText(this.#code.textContent);
      this.#tell(say("copied"));
    });
    on("delete", () => this.#deleteEverything());
    this.#switch.addEventListener("change", () => this.#try(() => this.#research()));
    const text = site.consent.research?.text;
    if (text) new RichText(part(this.#dialog, "research-text")).update(text, { done: true });
  }

  /** Ask, and delete a conversation; `title` names it. */
  async deleteConversation(id, title) {
    const remove = () => postJSON(address(this.#site.urls.delete_conversation, { id }), {}, this.#site.csrf_token);
    if (await this.#confirm(say("delete_title"), say("delete_words", { title: title || say("untitled") }), remove)) {
      this.#onDeleted(id);
      return true;
    }
    return false;
  }

  /** Show what can be decided. */
  open() {
    document.getElementById("history").close();
    const { research } = this.#site.consent;
    show(part(this.#dialog, "research-group"), research !== null);
    this.#switch.checked = research?.allowed ?? false;
    show(part(this.#dialog, "receipt-shown"), false);
    this.#tell("");
    this.#complain("");
    this.#dialog.showModal();
  }

  async #research() {
    const wanted = this.#switch.checked;
    try {
      await this.#consent.research(wanted);
      this.#tell(say(wanted ? "research_on" : "research_off"));
    } catch (error) {
      this.#switch.checked = !wanted;
      throw error;
    }
  }

  async #giveReceipt() {
    const { code } = await postJSON(this.#site.urls.new_receipt, {}, this.#site.csrf_token);
    write(this.#code, code);
    show(part(this.#dialog, "receipt-shown"), true);
    part(this.#dialog, "copy").focus();
  }

  async #deleteEverything() {
    const remove = () => postJSON(this.#site.urls.delete_everything, {}, this.#site.csrf_token);
    if (!(await this.#confirm(say("delete_all_title"), say("delete_all_words"), remove))) return;
    tab.clear();
    browser.clear();
    location.assign(this.#site.urls.new);
  }

  /** Ask before `action` is done; gives whether it was. It stays open where that fails, and says why. */
  #confirm(title, words, action) {
    const dialog = this.#question;
    write(part(dialog, "title"), title);
    write(part(dialog, "words"), words);
    write(part(dialog, "problem"), "");
    dialog.showModal();
    return new Promise((resolve) => {
      let done = false;
      part(dialog, "cancel").onclick = () => dialog.close();
      dialog.onclose = () => resolve(done);
      dialog.querySelector("form").onsubmit = async (event) => {
        event.preventDefault();
        const button = part(dialog, "submit");
        button.disabled = true;
        try {
          await action();
          done = true;
          dialog.close();
        } catch (error) {
          write(part(dialog, "problem"), error.message);
        } finally {
          button.disabled = false;
        }
      };
    });
  }

  async #try(action) {
    this.#complain("");
    try {
      await action();
    } catch (error) {
      this.#complain(error.message);
    }
  }

  #tell(words) {
    write(part(this.#dialog, "state"), words);
  }

  #complain(words) {
    write(part(this.#dialog, "problem"), words);
  }
}
