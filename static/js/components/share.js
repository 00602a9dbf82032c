// What visitors give away of a conversation, as a public link, and take with them: Markdown, JSON, a page in one file.
import { copyText } from "../lib/clipboard.js";
import { part, show, write } from "../lib/dom.js";
import { address, CallError, getJSON, postJSON } from "../lib/http.js";
import { say } from "../lib/words.js";

const takeaway = () => import("../lib/takeaway.js"); // most visitors never need it

export class Share {
  #dialog = document.getElementById("share");
  #address = part(this.#dialog, "address");
  #site;
  #titleOf;
  #onScreen;
  #shown = null; // {id, last}: the conversation on screen and its last message there
  #data = null;
  #markdown = null; // made as the dialog opens: browsers let a click copy only for a moment

  /** `site`: urls, csrf_token; `titleOf(model name)`; `shown()` gives {id, last} of what is on screen. */
  constructor(site, { titleOf, shown }) {
    this.#site = site;
    this.#titleOf = titleOf;
    this.#onScreen = shown;
    const on = (name, action) => part(this.#dialog, name).addEventListener("click", action);
    on("close", () => this.#dialog.close());
    on("make", () => this.#try(() => this.#make()));
    on("update", () => this.#try(() => this.#make()));
    on("revoke", () => this.#try(() => this.#revoke()));
    on("copy-link", () => this.#try(() => this.#copy(this.#address.value)));
    on("copy-markdown", () => this.#try(async () => this.#copy(await this.#markdown)));
    on("save-json", () => this.#try(() => this.#saveJSON()));
    on("save-html", () => this.#try(() => this.#saveHTML()));
  }

  /** Open the dialog for what is on screen now. */
  open() {
    this.#shown = this.#onScreen();
    this.#data = getJSON(`${this.#url("download")}?${new URLSearchParams({ message: this.#shown.last })}`);
    this.#markdown = this.#data.then(async (data) => (await takeaway()).asMarkdown(data, this.#titleOf));
    this.#markdown.catch(() => {}); // told when it is wanted
    this.#showLink(null);
    show(part(this.#dialog, "make"), false);
    this.#tell(say("share_loading"));
    this.#dialog.showModal();
    this.#try(async () => {
      this.#showLink((await getJSON(this.#url("share"))).link);
      this.#tell("");
    });
  }

  async #make() {
    const made = await postJSON(this.#url("share"), { message: this.#shown.last }, this.#site.csrf_token);
    this.#showLink(made.link);
    this.#tell(say("share_made"));
    part(this.#dialog, "copy-link").focus();
  }

  async #revoke() {
    await postJSON(this.#url("revoke_link"), {}, this.#site.csrf_token);
    this.#showLink(null);
    this.#tell(say("share_revoked"));
    part(this.#dialog, "make").focus();
  }

  #showLink(link) {
    show(part(this.#dialog, "make"), link === null);
    show(part(this.#dialog, "standing"), link !== null);
    if (link === null) return;
    this.#address.value = link.url;
    part(this.#dialog, "visit").href = link.url;
    show(part(this.#dialog, "behind"), link.message !== this.#shown.last);
  }

  async #copy(text) {
    await copyText(text);
    this.#tell(say("copied"));
  }

  async #saveJSON() {
    const data = await this.#whole();
    this.#save(JSON.stringify(data, null, 2), "application/json", "json");
  }

  async #saveHTML() {
    const { asHTML } = await import("../lib/takeaway_page.js");
    const page = await asHTML(await this.#whole(), this.#titleOf);
    this.#save(page, "text/html", "html");
  }

  async #whole() {
    const { withPictures } = await takeaway();
    return withPictures(await this.#data, (index, count) => this.#tell(say("share_pictures", { index, count })));
  }

  #save(text, type, ending) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
    link.download = `${say("share_file")}-${new Date().toISOString().slice(0, 10)}.${ending}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    this.#tell(say("share_saved", { name: link.download }));
  }

  #url(name) {
    return address(this.#site.urls[name], { id: this.#shown.id });
  }

  async #try(action) {
    write(part(this.#dialog, "problem"), "");
    try {
      await action();
    } catch (error) {
      this.#tell("");
      write(part(this.#dialog, "problem"), error instanceof CallError ? error.message : say("call_failed"));
    }
  }

  #tell(words) {
    write(part(this.#dialog, "state"), words);
  }
}
