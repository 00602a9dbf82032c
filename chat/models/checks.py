"""The content checks that administrators set up: what each looks at, and what follows from what it finds."""

from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.models.moderation import ModerationEvent
from chat.models.registry import ChatModel

Outcome = ModerationEvent.Outcome
MOST_CHARACTERS = 10_000  # of a list: what a form may hold; who has more makes several checks


class Consequence(models.TextChoices):
    """What an administrator may have follow from a finding, the mildest first."""

    ALLOWED = Outcome.ALLOWED.value, _("allow")
    WARNED = Outcome.WARNED.value, _("warn")
    HELD = Outcome.HELD.value, _("hold for review")
    REFUSED = Outcome.REFUSED.value, _("refuse")


class ModerationCheckQuerySet(models.QuerySet["ModerationCheck"]):
    def in_order(self) -> "ModerationCheckQuerySet":
        """Those with all that they need to run, the first one first."""
        return (
            self.order_by("position", "pk")
            .select_related("guard")
            .prefetch_related("thresholds", "for_models")
        )


# Called, so that a new kind needs no migration.
def kind_choices() -> list[tuple[str, Any]]:
    return ModerationCheck.Kind.choices


class ModerationCheck(models.Model):
    """One check of the pipeline. Of the fields below `timeout` each kind reads its own."""

    class Kind(models.TextChoices):
        LISTS = "lists", _("words and regular expressions")
        OPENAI = "openai", _("service with OpenAI's /v1/moderations")
        GUARD = "guard", _("chat model as a guard")
        LOOKALIKES = "lookalikes", _("images that look like blocked ones")
        CLASSIFIER = "classifier", _("classifier of images on this machine")

    class WhenDown(models.TextChoices):
        CLOSED = "closed", _("refuse")
        OPEN = "open", _("let pass")

    name = models.CharField(_("name"), max_length=40, unique=True)
    kind = models.CharField(_("kind"), max_length=20, choices=kind_choices, editable=False)
    position = models.PositiveSmallIntegerField(
        _("position"), default=0, help_text=_("Checks run in this order, until one refuses.")
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    dry_run = models.BooleanField(
        _("dry run"),
        default=False,
        help_text=_("It is asked and its decision stored; nothing follows from it."),
    )
    on_messages = models.BooleanField(_("messages, before a model is asked"), default=True)
    on_replies = models.BooleanField(_("replies, when they have ended"), default=False)
    on_text = models.BooleanField(_("text"), default=True)
    on_images = models.BooleanField(_("images"), default=False)
    for_models = models.ManyToManyField(
        ChatModel,
        blank=True,
        related_name="checks",
        verbose_name=_("models"),
        help_text=_("What is for, or of, these models is checked. None chosen: all."),
    )
    outcome = models.CharField(
        _("what it finds"),
        max_length=24,
        choices=Consequence.choices,
        default=Consequence.REFUSED,
        help_text=_("What follows, unless a threshold below says otherwise for the category."),
    )
    when_down = models.CharField(
        _("without an answer"), max_length=10, choices=WhenDown.choices, default=WhenDown.CLOSED
    )
    timeout = models.FloatField(
        _("seconds to wait"), default=5, validators=[MinValueValidator(0.1), MaxValueValidator(60)]
    )

    words = models.TextField(
        _("words"),
        blank=True,
        max_length=MOST_CHARACTERS,
        help_text=_("A word or several in a row, one entry a line; large and small letters are the same."),
    )
    expressions = models.TextField(
        _("regular expressions"),
        blank=True,
        max_length=MOST_CHARACTERS,
        help_text=_(
            "One a line, in the syntax of RE2, which has no look-around and no back-references, and so can't "
            "hang. Large and small letters are the same unless it begins with (?-i)."
        ),
    )
    url = models.CharField(
        _("address"), max_length=300, blank=True, help_text=_("Like https://api.openai.com/v1/moderations.")
    )
    key_variable = models.CharField(_("key variable"), max_length=80, blank=True)
    served_model = models.CharField(
        _("model of the service"), max_length=200, blank=True, default="omni-moderation-latest"
    )

    guard = models.ForeignKey(
        ChatModel,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="guarding",
        verbose_name=_("guard"),
        help_text=_(
            "A model of a backend. It need not be offered to visitors: it is asked though it is not enabled."
        ),
    )
    prompt = models.TextField(
        _("prompt"),
        blank=True,
        max_length=MOST_CHARACTERS,
        help_text=_(
            "With {text} in the place of what is checked. Empty: the message itself, for guards whose own "
            "template asks the question."
        ),
    )
    reply_prompt = models.TextField(
        _("prompt for replies"),
        blank=True,
        max_length=MOST_CHARACTERS,
        help_text=_("With {question} and {text}. Empty: as for messages."),
    )
    unsafe = models.CharField(
        _("answer that objects"),
        max_length=300,
        blank=True,
        help_text=_(
            "A regular expression of RE2. What its first group holds, between commas or spaces, are the categories."
        ),
    )
    safe = models.CharField(
        _("answer that does not"),
        max_length=300,
        blank=True,
        help_text=_("A regular expression. An answer that fits neither is none."),
    )
    answer_tokens = models.PositiveSmallIntegerField(
        _("tokens of the answer"),
        default=100,
        validators=[MinValueValidator(1), MaxValueValidator(4096)],
        help_text=_("At most. A guard that thinks before it answers needs more."),
    )

    objects = ModerationCheckQuerySet.as_manager()

    class Meta:
        verbose_name = _("content check")
        verbose_name_plural = _("content checks")
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.name


class CheckThreshold(models.Model):
    """What follows where a check gives a category at least this score; of several the strictest counts."""

    moderation_check = models.ForeignKey(
        ModerationCheck, models.CASCADE, related_name="thresholds", verbose_name=_("content check")
    )
    category = models.CharField(_("category"), max_length=100, help_text=_("As the check names it."))
    at_least = models.FloatField(
        _("score of at least"), default=0.5, validators=[MinValueValidator(0), MaxValueValidator(1)]
    )
    outcome = models.CharField(
        _("what follows"), max_length=24, choices=Consequence.choices, default=Consequence.REFUSED
    )

    class Meta:
        verbose_name = _("threshold")
        verbose_name_plural = _("thresholds")
        ordering = ["category", "at_least"]

    def __str__(self) -> str:
        return f"{self.category} {self.at_least:g}"
