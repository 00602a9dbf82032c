import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chat.models.images import Upload
from chat.models.registry import ChatModel
from chat.models.restrictions import Restriction
from chat.models.visitors import Visitor


class Role(models.TextChoices):
    USER = "user", _("visitor")
    ASSISTANT = "assistant", _("model")


class ReplyState(models.TextChoices):
    """queued → streaming → one of the final ones; each step is one conditional UPDATE."""

    QUEUED = "queued", _("waiting")
    STREAMING = "streaming", _("streaming")
    COMPLETE = "complete", _("complete")
    STOPPED = "stopped", _("stopped")
    FAILED = "failed", _("failed")
    INTERRUPTED = "interrupted", _("interrupted")


LIVE_STATES = (ReplyState.QUEUED, ReplyState.STREAMING)


class ConversationQuerySet(models.QuerySet["Conversation"]):
    def visible(self) -> "ConversationQuerySet":
        return self.filter(deleted__isnull=True)

    def allowed_for_research(self) -> "ConversationQuerySet":
        """Those whose visitors have said, and not taken back, that research may use them."""
        return self.visible().filter(research=True)

    def not_refused_to_research(self) -> "ConversationQuerySet":
        """Those of visitors who were never asked, or gave no answer, or said yes."""
        refused = Visitor.objects.filter(pk=models.OuterRef("visitor"), research=False)
        return self.visible().exclude(models.Exists(refused))

    def owned_by(self, visitor_key: uuid.UUID | None) -> "ConversationQuerySet":
        return self.visible().filter(visitor_id=visitor_key) if visitor_key else self.none()


class Conversation(models.Model):
    """A visitor's chat with one model; its messages form a tree by `Message.parent`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    visitor = models.ForeignKey(
        Visitor, models.CASCADE, related_name="conversations", verbose_name=_("visitor")
    )
    model = models.ForeignKey(
        ChatModel, models.PROTECT, related_name="conversations", verbose_name=_("model")
    )
    template = models.CharField(
        _("prompt template"), max_length=40, blank=True, help_text=_("As it was at the first turn.")
    )
    system_message = models.TextField(_("system message"), blank=True)
    title = models.CharField(_("title"), max_length=120, blank=True)
    language = models.CharField(
        _("language"),
        max_length=8,
        blank=True,
        help_text=_(
            "Of the visitor's words, as their script and commonest words tell; empty: they tell none."
        ),
    )
    research = models.BooleanField(
        _("may be used for research"),
        default=False,
        help_text=_("As the visitor's switch stands; see docs/data.md."),
    )
    source = models.CharField(
        _("imported from"), max_length=20, blank=True, help_text=_("Whose log it was in; empty: held here.")
    )
    source_id = models.CharField(
        _("id in that log"), max_length=100, blank=True, help_text=_("Where the log names its conversations.")
    )
    created = models.DateTimeField(_("created"), default=timezone.now, editable=False, db_index=True)
    updated = models.DateTimeField(_("last message"), db_index=True)
    deleted = models.DateTimeField(_("deleted"), null=True, blank=True, db_index=True)

    objects = ConversationQuerySet.as_manager()

    class Meta:
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        ordering = ["-updated"]
        indexes = [models.Index(fields=["visitor", "-updated"], name="conversation_history")]

    def __str__(self) -> str:
        return self.title or str(self.pk)[:8]


class MessageQuerySet(models.QuerySet["Message"]):
    def live(self) -> "MessageQuerySet":
        return self.filter(role=Role.ASSISTANT, state__in=LIVE_STATES)

    def replies(self) -> "MessageQuerySet":
        return self.filter(role=Role.ASSISTANT)

    def owned_by(self, visitor_key: uuid.UUID | None) -> "MessageQuerySet":
        if not visitor_key:
            return self.none()
        return self.filter(conversation__visitor_id=visitor_key, conversation__deleted__isnull=True)

    def not_hidden(self) -> "MessageQuerySet":
        """Leave out replies that moderators hide at this moment: no public page and no export shows them."""
        hidden = HiddenReply.objects.in_force().filter(message=models.OuterRef("pk"))
        return self.exclude(models.Exists(hidden))

    def in_order(self) -> "MessageQuerySet":
        return self.order_by("position", "variant", "created", "pk")


def is_cut(state: str, finish_reason: str) -> bool:
    """Tell whether a reply ended at its limit of tokens, as servers of every kind call it."""
    return state == ReplyState.COMPLETE and finish_reason == "length"


class Message(models.Model):
    """What a visitor wrote, or one reply to it. A reply's `parent` is the message that it answers."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(
        Conversation, models.CASCADE, related_name="messages", verbose_name=_("conversation")
    )
    parent = models.ForeignKey(
        "self", models.CASCADE, null=True, blank=True, related_name="children", verbose_name=_("follows")
    )
    position = models.PositiveIntegerField(_("position"), help_text=_("Depth in the conversation, from 0."))
    continues = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="continuations",
        verbose_name=_("continues"),
        help_text=_("The reply that broke off, with whose text this one begins."),
    )
    variant = models.PositiveSmallIntegerField(_("variant"), default=0)
    role = models.CharField(_("role"), max_length=10, choices=Role.choices)
    text = models.TextField(_("text"), blank=True)
    uploads = models.ManyToManyField(Upload, through="MessageImage", related_name="messages")
    client_id = models.UUIDField(
        _("client id"),
        null=True,
        blank=True,
        help_text=_("Drawn by the browser. The row's own id follows from it, so one sending makes one row."),
    )
    created = models.DateTimeField(_("created"), default=timezone.now, editable=False, db_index=True)

    # Replies only
    state = models.CharField(
        _("state"), max_length=12, choices=ReplyState.choices, default=ReplyState.COMPLETE
    )
    error_code = models.CharField(_("error"), max_length=40, blank=True)
    error_detail = models.TextField(_("error detail"), blank=True, help_text=_("For administrators only."))
    epoch = models.PositiveIntegerField(_("epoch"), default=0)
    model = models.ForeignKey(
        ChatModel, models.PROTECT, null=True, blank=True, related_name="replies", verbose_name=_("model")
    )
    parameters = models.JSONField(_("parameters"), default=dict, blank=True)
    worker = models.CharField(_("worker"), max_length=300, blank=True)
    protocol = models.CharField(
        _("protocol"), max_length=20, blank=True, help_text=_("In which the worker was asked.")
    )
    template = models.CharField(
        _("prompt template"), max_length=40, blank=True, help_text=_("Empty: the worker has its own.")
    )
    request_hash = models.CharField(
        _("hash of the request"),
        max_length=16,
        blank=True,
        help_text=_(
            "Of what the worker was sent, without its pictures; tells whether it can be built again."
        ),
    )
    sent = models.DateTimeField(_("sent to the worker"), null=True, blank=True)
    first_answered = models.DateTimeField(_("first token"), null=True, blank=True)
    finished = models.DateTimeField(_("finished"), null=True, blank=True)
    prompt_tokens = models.PositiveIntegerField(_("prompt tokens"), null=True, blank=True)
    output_tokens = models.PositiveIntegerField(_("output tokens"), null=True, blank=True)
    finish_reason = models.CharField(
        _("reason to end"),
        max_length=40,
        blank=True,
        help_text=_(
            "In the worker's word, like stop, or length for the limit of tokens. Empty: it told none."
        ),
    )

    notice = models.CharField(
        _("notice"),
        max_length=20,
        blank=True,
        db_default="",  # processes that run the release before this one don't know it
        help_text=_("Where a content check warned: of the message, or of the reply."),
    )

    # While it runs
    owner = models.UUIDField(_("owning process"), null=True, blank=True)
    stop_requested = models.BooleanField(_("stop requested"), default=False)
    may_start_at = models.JSONField(
        _("may start at"),
        null=True,
        blank=True,
        editable=False,
        help_text=_(
            "Workers that could take it, as its process knew at its last look; empty while not in line."
        ),
    )

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["created"]
        constraints = [
            models.UniqueConstraint(
                fields=["parent", "variant"],
                condition=models.Q(role="assistant"),
                name="reply_variant_once",
            ),
        ]
        indexes = [
            models.Index(fields=["conversation", "position"], name="message_in_conversation"),
            models.Index(
                fields=["state", "created"],
                condition=models.Q(state__in=["queued", "streaming"]),
                name="message_live",
            ),
            models.Index(fields=["finished"], name="message_finished"),
        ]

    def __str__(self) -> str:
        return f"{self.role} {str(self.pk)[:8]}"

    @property
    def is_reply(self) -> bool:
        return self.role == Role.ASSISTANT

    @property
    def is_live(self) -> bool:
        return self.state in LIVE_STATES

    @property
    def is_cut(self) -> bool:
        return is_cut(self.state, self.finish_reason)


class RunningReply(Message):
    """A reply that waits or streams, as the administration lists it."""

    class Meta:
        proxy = True
        verbose_name = _("running reply")
        verbose_name_plural = _("running replies")
        default_permissions = ("view", "stop")


class HiddenReply(Restriction):
    """A reply that public pages and exports leave out. Its own visitor still sees it."""

    message = models.ForeignKey(Message, models.CASCADE, related_name="hidden", verbose_name=_("reply"))

    class Meta:
        verbose_name = _("hidden reply")
        verbose_name_plural = _("hidden replies")

    def __str__(self) -> str:
        return str(self.message_id)[:8]


class MessageImage(models.Model):
    """A picture in a message, in the order in which the visitor put it."""

    message = models.ForeignKey(Message, models.CASCADE, related_name="images", verbose_name=_("message"))
    upload = models.ForeignKey(Upload, models.PROTECT, related_name="uses", verbose_name=_("upload"))
    position = models.PositiveSmallIntegerField(_("position"))

    class Meta:
        verbose_name = _("image of a message")
        verbose_name_plural = _("images of messages")
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["message", "position"], name="message_image_place_once"),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} {self.position}"
