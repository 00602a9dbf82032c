// What is written and not sent: the message box and its images, kept for each conversation through reloads.
import { newId } from "../lib/dom.js";
import { drafts, EMPTY } from "../lib/drafts.js";
import { Composer } from "./composer.js";
import { Images } from "./images.js";

export class Draft {
  composer;
  images;
  #session;
  #clientId = null; // the same message sent again is the same message
  #changes = null; // the earlier message beside which this one is to stand
  #aside = null; // what was in the box before that message
  #sent = new Map(); // client_id → {from, images}: the conversation whose draft it was, null being a new one, and image ids
  #restoring = false;

  /**
   * `onSend`, `onStop` and `onImages` (images came, went, arrived or changed places) hear what the visitor does;
   * `look(images, id, options of lightbox.js)`.
   */
  constructor({ site, session, consent, look, onSend, onStop, onImages }) {
    this.#session = session;
    this.composer = new Composer({
      limit: site.limits.text,
      onSend,
      onStop,
      onInput: () => this.keep(),
      onUp: () => this.#changeLast(),
      onCancel: () => this.cancelChange(),
    });
    this.images = new Images({
      url: site.urls.upload,
      describeURL: site.urls.describe_image,
      csrfToken: site.csrf_token,
      limits: site.limits,
      consent,
      look,
      onChange: () => {
        if (this.#restoring) return;
        this.keep();
        onImages();
      },
      onProblem: (words) => this.composer.complain(words),
    });
  }

  get isEmpty() {
    return !this.composer.text.trim() && !this.images.count;
  }

  /** Show the draft of the conversation on screen. */
  open() {
    this.#show(drafts.read(this.#session.conversation.id));
  }

  /** Keep what is in the box, which is another message than the one that was sent; unless that is still under way. */
  keep() {
    if (!this.#session.sending) this.#clientId = null;
    this.#write();
  }

  /** Fill in an example. */
  fill(question, files) {
    if (this.#session.sending) return;
    this.cancelChange();
    this.images.clear();
    this.images.add(files);
    this.suggest(question);
  }

  /** Put a question into the box, and leave the images as they are. */
  suggest(question) {
    if (this.#session.sending) return;
    this.composer.text = question;
    this.keep();
    this.composer.focus();
  }

  /** Put a message back into the box. */
  giveBack({ text, images }) {
    this.#show({ ...EMPTY, text, images });
    this.keep();
  }

  /** Let the visitor write an earlier message anew; what is in the box comes back afterwards. */
  change({ id, text, images }) {
    if (this.#session.sending) return;
    const aside = this.#changes ? this.#aside : this.#content;
    this.#show({ text, images, clientId: null, changes: id, aside });
    this.keep();
    this.composer.focus();
  }

  /** Leave the earlier message as it is; gives whether one was being changed. */
  cancelChange() {
    if (!this.#changes || this.#session.sending) return false;
    this.#showAside();
    this.composer.focus();
    return true;
  }

  /** Give the fields of `send` that are the draft's. */
  sent() {
    this.#clientId ??= newId();
    this.#write();
    const images = this.images.infos.map(({ id }) => id);
    this.#sent.set(this.#clientId, { from: this.#session.conversation.id, images });
    return {
      client_id: this.#clientId,
      // Half a character, as a broken paste may leave it, has no place in JSON.
      text: this.composer.text.toWellFormed?.() ?? this.composer.text,
      images,
      edits: this.#changes,
    };
  }

  /** What was refused may be sent again, but as another message. */
  refused(clientId) {
    if (clientId === this.#clientId) return this.keep();
    const { from } = this.#sent.get(clientId);
    const draft = drafts.read(from);
    if (draft.clientId === clientId) drafts.write(from, { ...draft, clientId: null });
  }

  /** What the site has is no draft any more; images that came while it was under way are for the next message. */
  delivered(clientId) {
    const { from, images } = this.#sent.get(clientId);
    const { clientId: kept, images: held, aside } = drafts.read(from);
    const isInBox = clientId === this.#clientId; // which takes along what came
    const besides = isInBox ? [] : held.filter(({ id }) => !images.includes(id));
    const next = aside ?? EMPTY;
    if (kept === clientId) drafts.write(from, { ...next, images: [...next.images, ...besides] });
    if (isInBox) this.#showAside(this.images.besides(images));
  }

  #changeLast() {
    const last = this.#session.conversation.path().findLast(({ role }) => role === "user");
    if (last && this.isEmpty) this.change(last);
  }

  get #content() {
    const { composer, images } = this;
    return { ...EMPTY, text: composer.text, images: images.infos, clientId: this.#clientId };
  }

  #write() {
    const draft = { ...this.#content, changes: this.#changes, aside: this.#aside };
    drafts.write(this.#session.conversation.id, draft);
  }

  #showAside(images = []) {
    this.#show({ ...EMPTY, ...this.#aside }, images);
    this.keep();
  }

  /** Show a draft, with images besides that the box holds already. */
  #show({ text, images, clientId, changes, aside }, besides = []) {
    this.#restoring = true;
    this.composer.complain("");
    this.composer.text = text;
    this.images.turnTo(`${this.#session.conversation.id} ${changes}`, images, besides);
    [this.#clientId, this.#changes, this.#aside] = [clientId, changes, aside];
    this.composer.tellChanging(changes !== null);
    this.#restoring = false;
    this.#write();
  }
}
