"""What a visitor reads when a reply ended badly: words and advice for each error code."""

from collections.abc import Mapping
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from chat import events


class Words(NamedTuple):
    text: str | Promise
    retry: bool  # whether asking again can help


_BROKEN = Words(
    _("The model's server sent something that is not a reply. Try again, or pick another model."), True
)

WORDS: Mapping[str, Words] = {
    "worker_refused": Words(_("The model's server does not answer. Try again in a moment, or pick another model."), True),
    "worker_unknown_host": Words(_("The model's server could not be found. Try another model."), True),
    "worker_connect_timeout": Words(_("The model's server did not pick up in time. Try again in a moment."), True),
    "worker_bad_certificate": Words(_("The model's server could not prove who it is. Try another model."), False),
    "worker_key_missing": Words(_("This site has no key for the model's server. Try another model."), False),
    "worker_unauthorised": Words(_("The model's server does not let this site in. Try another model."), False),
    "worker_model_unknown": Words(_("The model's server does not serve this model any more. Pick another model."), False),
    "worker_parameter_refused": Words(_("The model's server does not take these settings. Pick another model."), False),
    "worker_context_too_long": Words(_("This conversation is longer than the model can read. Start a new one, shorten your message, or lower Max output tokens."), False),
    "worker_images_refused": Words(_("The model does not take these images. Send fewer or smaller ones, or pick another model."), False),
    "worker_filtered": Words(_("The model's server refused this message by its own content filter. Change the message, or pick another model."), False),
    "worker_quota_used": Words(_("What this site may ask of the model's server is used up for now. Pick another model."), False),
    "worker_http_error": Words(_("The model's server reported an internal error. Try again."), True),
    "worker_busy": Words(_("The model has too much to do right now. Try again in a moment."), True),
    "worker_rejected": Words(_("The model's server did not accept this request. Start a new conversation or pick another model."), False),
    "worker_redirect": Words(_("The model's server points somewhere else, which is not followed. Try another model."), False),
    "worker_empty": Words(_("The model ended without a reply. Try again."), True),
    "worker_html": _BROKEN,
    "worker_bad_json": _BROKEN,
    "worker_bad_utf8": _BROKEN,
    "worker_oversized": Words(_("The model's server sent more than a reply can hold, so it was cut off."), True),
    "worker_text_too_large": Words(_("The reply grew longer than is allowed here, so it was cut off."), True),
    "worker_silent": Words(_("The model did not begin to answer in time. Try again, or pick another model."), True),
    "worker_stalled": Words(_("The model stopped answering in the middle of the reply. Try again."), True),
    "worker_too_long": Words(_("The reply took longer than is allowed here, so it was cut off."), True),
    "worker_broke_off": Words(_("The connection to the model broke in the middle of the reply. Try again."), True),
    "worker_reported_error": Words(_("The model ran into an error while answering. Try again, or pick another model."), True),
    "worker_address_forbidden": Words(_("The model's server is at an address that this site may not use. Try another model."), False),
    "controller_unreachable": Words(_("The service that knows the models does not answer. Try again in a moment."), True),
    "controller_garbage": Words(_("The service that knows the models gave an answer that makes no sense. Try again in a moment."), True),
    "no_worker": Words(_("No server runs this model at the moment. Try again later, or pick another model."), True),
    "moderation_flagged": Words(_("This message was not sent: our content check found something in it that this site does not allow. Please change it and try again."), False),
    "moderation_unavailable": Words(_("This message was not sent: the content check does not answer at the moment. Please try again in a moment."), True),
    "message_held": Words(_("This message waits for a moderator: our content check found something in it. Once it is let through, ask again for the reply."), False),
    "message_passed": Words(_("A moderator has let this message through. Ask again for the reply."), True),
    "reply_refused": Words(_("This reply is not shown: our content check found something in it that this site does not allow."), False),
    "reply_held": Words(_("This reply waits for a moderator: our content check found something in it. It comes back here once it is let through."), False),
    "reply_unchecked": Words(_("This reply is not shown: the content check does not answer at the moment. Please ask again in a moment."), True),
    "image_lost": Words(_("A picture of this conversation can no longer be read. Start a new conversation."), False),
    "prompt_unknown": Words(_("The prompt template of this conversation no longer exists. Start a new conversation."), False),
    "template_unknown": Words(_("This site can't write the prompt that this model reads. Pick another model."), False),
    "not_continuable": Words(_("This model can't go on from an unfinished reply. Regenerate it instead."), False),
    "interrupted": Words(_("The site restarted in the middle of this reply. What had arrived is kept; ask again for the rest."), True),
    "internal_error": Words(_("Something went wrong on our side. Try again."), True),
}  # fmt: skip


_NOTICES: Mapping[str, str | Promise] = {
    "message_warned": _(
        "Our content check found something in this message. Please keep to the rules of this site."
    ),
    "reply_warned": _("Our content check found something in this reply. Read it with care."),
}


def notice(code: str) -> str | None:
    """Put a notice beside a reply into words, in the language that is active; None for no notice."""
    return str(_NOTICES[code]) if code in _NOTICES else None


def failure(code: str) -> events.Failure | None:
    """Put an error code into words, in the language that is active; None for no error."""
    if not code:
        return None
    words = WORDS.get(code, WORDS["internal_error"])
    return events.Failure(code=code, text=str(words.text), retry=words.retry)
