// From the message box to the socket: what may be sent, what is being sent, and what came back.
import { isLive } from "../lib/conversation.js";
import { newId } from "../lib/dom.js";
import { say } from "../lib/words.js";
import { Draft } from "./draft.js";

export class Sender {
  draft;
  #session;
  #models;
  #parameters;
  #scroll;
  #consent;
  #waitsForImages = false;

  constructor({ site, session, models, parameters, scroll, consent, look }) {
    this.#session = session;
    this.#models = models;
    this.#parameters = parameters;
    this.#scroll = scroll;
    this.#consent = consent;
    this.draft = new Draft({
      site,
      session,
      consent,
      look,
      onSend: () => this.send(),
      onStop: () => this.stop(),
      onImages: () => this.#imagesChanged(),
    });
  }

  get #composer() {
    return this.draft.composer;
  }

  get #images() {
    return this.draft.images;
  }

  /** Show the draft of the conversation on screen. */
  open() {
    this.#waitsForImages = false;
    this.draft.open();
    this.refresh();
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
    this.#session.ask({
      type: "send",
      ...this.draft.sent(),
      model: this.#models.current.name,
      conversation: conversation.id,
      parent: conversation.path().findLast(({ role }) => role === "assistant")?.id ?? null,
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

  /** Show the terms, and go on once they are accepted, if the visitor has not gone elsewhere; what was written stays meanwhile. */
  async #afterTerms(goOn, { anew = false } = {}) {
    const { conversation } = this.#session;
    try {
      const accepted = await (anew ? this.#consent.askAnew() : this.#consent.ask());
      if (conversation !== this.#session.conversation) return;
      if (accepted) goOn();
      else this.#composer.complain(say("terms_first"));
    } catch (error) {
      this.#composer.complain(error.message);
    }
  }

  accepted(sent, here) {
    if (sent.type === "send") this.draft.delivered(sent.client_id);
    if (!here) return;
    this.#scroll.toEnd();
    this.refresh();
  }

  /** A frame was refused; gives false when it was none of ours. */
  refused({ frame, sent, here }) {
    if (!sent) return false;
    if (sent.type === "send") this.draft.refused(sent.client_id);
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
    if (!question || !this.draft.isEmpty) return;
    this.draft.giveBack(question);
    this.#composer.complain(say("draft_returned"));
  }

  /** Bring the box in line with the connection, the uploads and the replies. */
  refresh() {
    this.#composer.wait(this.#waiting);
    this.#images.allowSeveral(this.#models.current?.max_images !== 1);
    this.#composer.limitTo(this.#models.current?.max_characters);
    this.#composer.offerStop(this.#session.conversation.liveReply() !== null);
  }

  get #waiting() {
    if (this.#session.sending) {
      return say(this.#session.connected ? "sending" : "waits_for_connection");
    }
    return this.#waitsForImages ? say("waits_for_images") : "";
  }

  #problem() {
    if (this.draft.isEmpty) return say("write_or_add");
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

  /** End the replies that run in this conversation; gives whether there were any. */
  stop() {
    const { conversation } = this.#session;
    for (const message of conversation.messages.values()) {
      if (message.role === "assistant" && isLive(message)) this.#session.stop(message.id);
    }
    return conversation.liveReply() !== null;
  }

  #imagesChanged() {
    if (this.#waitsForImages && !this.#images.isUploading) this.send();
    this.refresh();
  }
}

/** The words of a refusal, and the limit where they do not name it; where waiting helps, they say how long. */
function withLimit({ text, limit, seconds }) {
  return seconds || limit === null || limit === undefined || text.includes(limit) ? text : `${text} ${say("limit", { limit })}`;
}
