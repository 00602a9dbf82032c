import datetime
import uuid
from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Coalesce, Lower, Now
from django.utils.translation import gettext_lazy as _

from chat.prompts.families import FAMILIES
from chat.workers.protocols import PROTOCOLS

MOST_NAME_CHARACTERS = 200
MOST_POSITION = 2**31 - 1  # of a database's integers
MOST_IMAGES = 32  # in one message: what a frame of the socket holds


# What processes compare is told by the one clock that all of them share, the database's: `Now()`. Their own may differ.


def protocol_choices() -> list[tuple[str, str]]:
    """Those of workers behind controllers; an OpenAI-compatible server speaks its own, whatever its models."""
    return [(name, name) for name in PROTOCOLS if name != Backend.Kind.OPENAI]


def template_choices() -> list[tuple[str, str]]:
    return [(name, name) for name in FAMILIES]


class BackendQuerySet(models.QuerySet["Backend"]):
    def in_use(self) -> "BackendQuerySet":
        """Backends whose list may be shown: their controllers answer, or did until a moment ago."""
        since = Now() - datetime.timedelta(seconds=settings.MMCHAT_MODEL_LIST_KEEP)
        return self.filter(models.Q(last_error="") | models.Q(failing_since__gt=since), enabled=True)

    def note_failure(self, error: str) -> None:
        """Note why the controllers of these backends can't be asked; the first failure's time stays."""
        self.update(
            last_checked=Now(),
            last_error=error[:2000],
            failing_since=Coalesce("failing_since", Now()),
        )

    def note_success(self, seconds: float | None = None) -> None:
        """Note that these backends answer; `seconds` is how long they took, where it was measured."""
        measured = {} if seconds is None else {"seconds": seconds}
        self.update(last_checked=Now(), last_reached=Now(), last_error="", failing_since=None, **measured)


class Backend(models.Model):
    """Somewhere models are served: this site's own controller, or one that a team runs."""

    class Kind(models.TextChoices):
        BUILT_IN = "built_in", _("built-in controller")
        CONTROLLER = "controller", _("controller (LLaVA, InternVL)")
        FASTCHAT = "fastchat", _("controller of FastChat")
        OPENAI = "openai", _("OpenAI-compatible server")

    name = models.CharField(_("name"), max_length=80, unique=True)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices, default=Kind.CONTROLLER)
    url = models.CharField(
        _("address"),
        max_length=300,
        blank=True,
        help_text=_(
            "As http://10.0.0.5:21001, or https://api.example.org/v1 of an OpenAI-compatible server."
        ),
    )
    key_variable = models.CharField(
        _("key variable"),
        max_length=80,
        blank=True,
        help_text=_(
            "Name of the environment variable that holds the key, like VLLM_API_KEY. The key itself is never stored."
        ),
    )
    taken = models.TextField(
        _("models taken"),
        blank=True,
        help_text=_("Names of models, one a line; * stands for anything. Empty: all that the backend lists."),
    )
    concurrency = models.PositiveSmallIntegerField(
        _("replies at once"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_(
            "At each of its workers, an OpenAI-compatible server being one. Empty: the site's limit."
        ),
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    last_checked = models.DateTimeField(_("last checked"), null=True, blank=True, editable=False)
    last_reached = models.DateTimeField(_("last reached"), null=True, blank=True, editable=False)
    seconds = models.FloatField(_("seconds to answer"), null=True, blank=True, editable=False)
    last_error = models.TextField(_("last error"), blank=True, editable=False)
    failing_since = models.DateTimeField(_("failing since"), null=True, blank=True, editable=False)

    objects = BackendQuerySet.as_manager()

    class Meta:
        verbose_name = _("backend")
        verbose_name_plural = _("backends")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def takes(self, name: str) -> bool:
        """Tell whether a model that this backend lists is to be one of the site's."""
        patterns = self.taken.split()
        return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)

    def store_list(self, names: Iterable[str], keep: float = 0, text_only: Collection[str] = ()) -> None:
        """Store which models this backend lists now, inside a transaction that holds this row's lock.

        New names become models; those that are `text_only` take no images until an administrator lets them.
        Missing ones are listed no more and keep their settings, but for those that were listed within `keep`
        seconds. Names that no model can have (empty, unprintable, or longer than 200 characters) are left out.
        """
        wanted = {name for name in names if name.isprintable() and 0 < len(name) <= MOST_NAME_CHARACTERS}
        ChatModel.objects.add_last(wanted, text_only)
        Placement.objects.bulk_create(
            [
                Placement(model=model, backend=self, listed=True, last_listed=Now())
                for model in ChatModel.objects.filter(name__in=wanted)
            ],
            update_conflicts=True,
            unique_fields=["model", "backend"],
            update_fields=["listed", "last_listed"],
        )
        missing = self.placements.filter(listed=True).exclude(model__name__in=wanted)
        if keep:
            missing = missing.filter(last_listed__lt=Now() - datetime.timedelta(seconds=keep))
        missing.update(listed=False)


class ChatModelQuerySet(models.QuerySet["ChatModel"]):
    def last_position(self) -> int:
        """Give the position of a new model: behind all others, or theirs where nobody has put them into an order."""
        first, last = self.aggregate(models.Min("position"), models.Max("position")).values()
        return 0 if last is None else min(last + (first < last), MOST_POSITION)

    def add_last(self, names: Iterable[str], text_only: Collection[str] = ()) -> None:
        """Make models of the names that are new; those that are `text_only` take no images."""
        wanted = set(names)
        new = wanted.difference(self.filter(name__in=wanted).values_list("name", flat=True))
        if not new:
            return
        position = self.last_position()
        ChatModel.objects.bulk_create(
            [
                ChatModel(name=name, position=position, **({"max_images": 0} if name in text_only else {}))
                for name in sorted(new)
            ],
            ignore_conflicts=True,
        )

    def in_page_order(self) -> "ChatModelQuerySet":
        return self.order_by("position", Lower("name"), "pk")

    def with_shown(self) -> "ChatModelQuerySet":
        """Tell of each model, as `is_shown`, whether the chat may use it, and an enabled backend lists it now."""
        listed = Placement.objects.filter(model=models.OuterRef("pk"), listed=True, backend__enabled=True)
        wanted = models.Q(enabled=True) & ~models.Q(shown_in=ChatModel.ShownIn.ARENA)
        return self.annotate(is_shown=wanted & models.Exists(listed))

    def usable(self) -> "ChatModelQuerySet":
        """Models that the chat may use."""
        return self.with_shown().filter(is_shown=True)  # type: ignore[misc]  # the plugin loses annotations

    def shown(self) -> "ChatModelQuerySet":
        """Models that visitors may pick from the list."""
        return self.usable().exclude(shown_in=ChatModel.ShownIn.LINK)


class ChatModel(models.Model):
    """A model that visitors may pick. It appears by itself when a backend lists it; its settings stay."""

    class ShownIn(models.TextChoices):
        BOTH = "both", _("chat and arena")
        CHAT = "chat", _("chat")
        ARENA = "arena", _("arena")
        LINK = "link", _("by link only")

    name = models.CharField(
        _("name"), max_length=MOST_NAME_CHARACTERS, unique=True, help_text=_("As its backend says it.")
    )
    title = models.CharField(
        _("title"), max_length=200, blank=True, help_text=_("Shown instead of the name.")
    )
    description = models.TextField(_("description"), blank=True, help_text=_("Markdown."))
    position = models.IntegerField(_("position"), default=0, help_text=_("Lower comes first; then by name."))
    enabled = models.BooleanField(_("enabled"), default=True)
    shown_in = models.CharField(
        _("shown in"),
        max_length=10,
        choices=ShownIn.choices,
        default=ShownIn.BOTH,
        help_text=_(
            "By link only: not in the list; the address /?model= and its name opens it, for whoever knows that. "
            "The arena is yet to come: until then “arena” shows a model nowhere, “chat and arena” in the chat."
        ),
    )
    protocol = models.CharField(
        _("protocol"),
        max_length=20,
        blank=True,
        choices=protocol_choices,
        help_text=_("Empty: what its backend or its worker speaks, else by name."),
    )
    template = models.CharField(
        _("prompt template"),
        max_length=40,
        blank=True,
        choices=template_choices,
        help_text=_("Empty: the worker's own where it has one, else by name."),
    )
    system_message = models.TextField(
        _("system message"), blank=True, help_text=_("Empty: the prompt template's own.")
    )
    repetition_penalty = models.FloatField(
        _("repetition penalty"),
        null=True,
        blank=True,
        validators=[MinValueValidator(0.1), MaxValueValidator(2)],
        help_text=_(
            "1 is none; more makes a model repeat itself less. Empty: what its protocol expects, 1.1 for internvl2, 1 "
            "for fastchat, the server's own elsewhere. Workers of the protocol llava know none."
        ),
    )
    max_images = models.PositiveSmallIntegerField(
        _("images per message"),
        default=4,
        validators=[MaxValueValidator(MOST_IMAGES)],
        help_text=_("0: none."),
    )
    max_output_tokens = models.PositiveIntegerField(
        _("most output tokens"), null=True, blank=True, help_text=_("Empty: the site's limit.")
    )
    max_input_tiles = models.PositiveSmallIntegerField(
        _("most input tiles"), null=True, blank=True, help_text=_("Empty: the site's limit.")
    )
    max_characters = models.PositiveIntegerField(
        _("most characters"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Of one message. Empty: the site's limit, which is the highest."),
    )
    max_turns = models.PositiveSmallIntegerField(
        _("most turns"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Messages of the visitor's in one conversation. Empty: no limit."),
    )
    backends = models.ManyToManyField(Backend, through="Placement", verbose_name=_("backends"))
    created = models.DateTimeField(_("first seen"), auto_now_add=True)

    is_shown: bool  # set by `with_shown`
    objects = ChatModelQuerySet.as_manager()

    class Meta:
        verbose_name = _("model")
        verbose_name_plural = _("models")
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.title or self.name


class Placement(models.Model):
    """A backend that serves a model, or once did. One model may have several."""

    model = models.ForeignKey(ChatModel, models.CASCADE, related_name="placements", verbose_name=_("model"))
    backend = models.ForeignKey(Backend, models.CASCADE, related_name="placements", verbose_name=_("backend"))
    listed = models.BooleanField(_("listed now"), default=True)
    last_listed = models.DateTimeField(_("last listed"), null=True, blank=True)

    class Meta:
        verbose_name = _("placement")
        verbose_name_plural = _("placements")
        constraints = [models.UniqueConstraint(fields=["model", "backend"], name="placement_once")]

    def __str__(self) -> str:
        return f"{self.model_id} @ {self.backend_id}"


class ToldTemplate(models.Model):
    """A prompt template that a worker told of itself, as JSON: requests in it can be built again."""

    name = models.CharField(_("name"), max_length=40, primary_key=True)
    told = models.TextField(_("as it was told"))

    class Meta:
        verbose_name = _("template told by a worker")
        verbose_name_plural = _("templates told by workers")

    def __str__(self) -> str:
        return self.name


class WorkerQuerySet(models.QuerySet["Worker"]):
    def fresh(self) -> "WorkerQuerySet":
        """Workers that beat lately, or that were registered as never beating."""
        since = Now() - datetime.timedelta(seconds=settings.MMCHAT_WORKER_EXPIRY)
        return self.filter(models.Q(checks_heartbeat=False) | models.Q(last_heartbeat__gte=since))


class Worker(models.Model):
    """A worker registered with the built-in controller."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    address = models.CharField(_("address"), max_length=300, unique=True)
    model_names = models.JSONField(_("models"), default=list)
    speed = models.FloatField(_("speed"), default=1)
    queue_length = models.IntegerField(_("queue length"), default=0)
    multimodal = models.BooleanField(_("multimodal"), default=True)
    protocol = models.CharField(
        _("protocol"),
        max_length=20,
        blank=True,
        help_text=_("As it registered. Empty: by its models' names."),
    )
    checks_heartbeat = models.BooleanField(_("sends heartbeats"), default=True)
    registered = models.DateTimeField(_("registered"), auto_now_add=True)
    last_heartbeat = models.DateTimeField(_("last heartbeat"), db_index=True)

    objects = WorkerQuerySet.as_manager()

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")
        ordering = ["address"]

    def __str__(self) -> str:
        return self.address
