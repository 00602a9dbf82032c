// From the message box to the socket: what may be sent, what is being sent, and what came back.
import { isLive } from "../lib/conversation.js";
import { newId } from "../lib/dom.js";
import { say } from "../lib/words.js";
import { Composer, draft } from "./composer.js";
import { Images } from "./images.js";

export class Sender {
  #session;
  #models;
  #parameters;
  #scroll;
  #consent;
  #composer;
  #images;
  #clientId = null; // of the draft: the same message sent again is the same message
  #waitsForImages = false;
  #restoring = false;

  constructor({ site, session, models, parameters, scroll, consent }) {
    this.#session = session;
    this.#models = models;
    this.#parameters = parameters;
    this.#scroll = scroll;
    this.#consent = consent;
    this.#composer = new Composer({
      limit: site.limits.text,
      onSend: () => this.send(),
      onStop: () => this.#stop(),
      onEdit: () => this.#keep(),
    });
    this.#images = new Images({
      url: site.urls.upload,
      csrfToken: site.csrf_token,
      limits: site.limits,
      consent,
      onChange: () => this.#imagesChanged(),
      onProblem: (words) => this.#composer.complain(words),
    });
  }

  /** Put a draft of before into the box. */
  restore({ text, images, clientId }) {
    this.#restoring = true;
    this.#composer.text = text;
    this.#images.clear();
    this.#images.restore(images);
    this.#clientId = clientId;
    this.#restoring = false;
  }

  /** Fill in an example. */
  fill(question, file) {
    this.#images.clear();
    if (file) this.#images.add([file]);
    this.suggest(question);
  }

  /** Put a question into the box, and leave the images as they are. */
  suggest(question) {
    this.#composer.text = question;
    this.#keep();
    this.#composer.focus();
  }

  startOver() {
    this.#composer.complain("");
    this.#composer.focus();
  }

  send() {
    if (this.#session.sending) return;
    this.#waitsForImages = false;
    const problem = this.#problem();
    this.#composer.complain(problem);
    if (problem || this.#composer.isTooLong()) return;
    if (this.#consent.isMissing) return this.#afterTerms(() => this.send());
    if (this.#images.isUploading) {
      this.#waitsForImages = true;
      this.refresh();
      return;
    }
    const { conversation } = this.#session;
    this.#clientId ??= newId();
    this.#keep({ sameMessage: true });
    this.#session.ask({
      type: "send",
      client_id: this.#clientId,
      model: this.#models.current.name,
      // Half a character, as a broken paste may leave it, has no place in JSON.
      text: this.#composer.text.toWellFormed?.() ?? this.#composer.text,
      conversation: conversation.id,
      parent: conversation.path().findLast(({ message }) => message.role === "assistant")?.message.id ?? null,
      images: this.#images.infos.map(({ id }) => id),
      parameters: this.#parameters.values,
    });
  }

  /** Ask again for what this reply answers; by the model that is selected now. */
  again(reply) {
    this.#askAgain(this.#modelProblem(), () => ({
      type: "regenerate",
      message: reply.id,
      model: this.#models.current.name,
      parameters: this.#parameters.values,
    }));
  }

  /** Let the model go on where this reply broke off. */
  goOn(reply) {
    this.#askAgain("", () => ({ type: "continue", message: reply.id }));
  }

  #askAgain(otherProblem, frame) {
    if (this.#session.sending) return;
    const problem = otherProblem || (this.#session.conversation.liveReply() ? say("busy") : "");
    this.#composer.complain(problem);
    if (problem) return;
    if (this.#consent.isMissing) return this.#afterTerms(() => this.#askAgain(otherProblem, frame));
    this.#session.ask({ ...frame(), client_id: newId() });
    this.#scroll.toEnd();
  }

  /** Show the terms, and go on once they are accepted; what was written stays in the box meanwhile. */
  async #afterTerms(goOn, { anew = false } = {}) {
    try {
      if (await (anew ? this.#consent.askAnew() : this.#consent.ask())) goOn();
      else this.#composer.complain(say("terms_first"));
    } catch (error) {
      this.#composer.complain(error.message);
    }
  }

  accepted(sent, here) {
    if (sent.type === "send" && sent.client_id === this.#clientId) this.#forget();
    if (!here) return;
    this.#scroll.toEnd();
    this.refresh();
  }

  /** A frame was refused; gives false when it was none of ours. */
  refused({ frame, sent, here }) {
    if (!sent) return false;
    if (sent.type === "send") this.#newMessage();
    if (frame.code === "terms_not_accepted" && here) {
      const again = () => (sent.type === "send" ? this.send() : this.#askAgain("", () => sent));
      this.#afterTerms(again, { anew: true });
      return true;
    }
    if (here) this.#composer.complain(withLimit(frame));
    this.#composer.focus();
    return true;
  }

  /** A message that a check kept from the model goes back into the box, unless something is there already. */
  replyEnded(reply) {
    if (!reply.failure?.code.startsWith("moderation_")) return;
    const question = this.#session.conversation.messages.get(reply.parent);
    if (!question || this.#composer.text || this.#images.count) return;
    this.restore({ text: question.text, images: question.images, clientId: null });
    this.#composer.complain(say("draft_returned"));
    this.#keep();
  }

  /** Bring the box in line with the connection, the uploads and the replies. */
  refresh() {
    this.#composer.wait(this.#waiting);
    this.#images.allowSeveral(this.#models.current?.max_images !== 1);
    this.#composer.offerStop(this.#session.conversation.liveReply() !== null);
  }

  get #waiting() {
    if (this.#session.sending) {
      return say(this.#session.connected ? "sending" : "waits_for_connection");
    }
    return this.#waitsForImages ? say("waits_for_images") : "";
  }

  #problem() {
    const { text } = this.#composer;
    if (!text.trim() && !this.#images.count) return say("write_or_add");
    if (this.#modelProblem()) return this.#modelProblem();
    const { title, name, max_images: limit } = this.#models.current;
    const model = title || name;
    if (this.#images.count > limit) return say(limit ? "too_many_images" : "no_images", { model, limit });
    if (this.#images.hasFailed) return say("image_failed");
    return this.#session.conversation.liveReply() ? say("busy") : "";
  }

  #modelProblem() {
    const model = this.#models.current;
    if (!model) return say("no_model");
    return model.listed ? "" : say("model_gone", { name: model.title || model.name });
  }

  #stop() {
    const { conversation } = this.#session;
    for (const message of conversation.messages.values()) {
      if (message.role === "assistant" && isLive(message)) this.#session.stop(message.id);
    }
  }

  #imagesChanged() {
    if (this.#restoring) return;
    this.#keep();
    if (this.#waitsForImages && !this.#images.isUploading) this.send();
    this.refresh();
  }

  #keep({ sameMessage = false } = {}) {
    if (!sameMessage) this.#clientId = null;
    draft.write({ text: this.#composer.text, images: this.#images.infos, clientId: this.#clientId });
  }

  #newMessage() {
    this.#clientId = null;
    this.#keep();
  }

  #forget() {
    this.restore({ text: "", images: [], clientId: null });
    draft.forget();
  }
}

/** The words of a refusal, and the limit where they do not name it. */
function withLimit({ text, limit }) {
  return limit === null || limit === undefined || text.includes(limit) ? text : `${text} ${say("limit", { limit })}`;
}
