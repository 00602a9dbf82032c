import datetime
import uuid
from collections.abc import Iterable

from django.conf import settings
from django.db import models
from django.db.models.functions import Coalesce, Lower, Now
from django.utils.translation import gettext_lazy as _

from chat.prompts.families import FAMILIES
from chat.workers.protocols import PROTOCOLS

MOST_NAME_CHARACTERS = 200


# What processes compare is told by the one clock that all of them share, the database's: `Now()`. Their own may differ.


def protocol_choices() -> list[tuple[str, str]]:
    return [(name, name) for name in PROTOCOLS]


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

    def note_success(self) -> None:
        self.update(last_checked=Now(), last_reached=Now(), last_error="", failing_since=None)


class Backend(models.Model):
    """Somewhere models are served: this site's own controller, or one that a team runs."""

    class Kind(models.TextChoices):
        BUILT_IN = "built_in", _("built-in controller")
        CONTROLLER = "controller", _("controller (LLaVA, InternVL)")

    name = models.CharField(_("name"), max_length=80, unique=True)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices, default=Kind.CONTROLLER)
    url = models.CharField(_("address"), max_length=300, blank=True)
    key_variable = models.CharField(
        _("key variable"),
        max_length=80,
        blank=True,
        help_text=_("Name of the environment variable that holds the key; the key itself is never stored."),
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    last_checked = models.DateTimeField(_("last checked"), null=True, blank=True, editable=False)
    last_reached = models.DateTimeField(_("last reached"), null=True, blank=True, editable=False)
    last_error = models.TextField(_("last error"), blank=True, editable=False)
    failing_since = models.DateTimeField(_("failing since"), null=True, blank=True, editable=False)

    objects = BackendQuerySet.as_manager()

    class Meta:
        verbose_name = _("backend")
        verbose_name_plural = _("backends")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def store_list(self, names: Iterable[str], keep: float = 0) -> None:
        """Store which models this backend lists now, inside a transaction that holds this row's lock.

        New names become models. Missing ones are listed no more and keep their settings, but for those that
        were listed within `keep` seconds. Names that no model can have (empty, unprintable, or longer than
        200 characters) are left out.
        """
        wanted = {name for name in names if name.isprintable() and 0 < len(name) <= MOST_NAME_CHARACTERS}
        known = set(ChatModel.objects.filter(name__in=wanted).values_list("name", flat=True))
        ChatModel.objects.bulk_create(
            [ChatModel(name=name) for name in sorted(wanted - known)], ignore_conflicts=True
        )
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
    def in_page_order(self) -> "ChatModelQuerySet":
        return self.order_by("position", Lower("name"), "pk")

    def with_shown(self) -> "ChatModelQuerySet":
        """Tell of each model, as `is_shown`, whether it is enabled and an enabled backend lists it now."""
        listed = Placement.objects.filter(model=models.OuterRef("pk"), listed=True, backend__enabled=True)
        return self.annotate(is_shown=models.Q(enabled=True) & models.Exists(listed))

    def shown(self) -> "ChatModelQuerySet":
        """Models that visitors may pick."""
        return self.with_shown().filter(is_shown=True)  # type: ignore[misc]  # the plugin loses annotations


class ChatModel(models.Model):
    """A model that visitors may pick. It appears by itself when a backend lists it; its settings stay."""

    name = models.CharField(
        _("name"), max_length=MOST_NAME_CHARACTERS, unique=True, help_text=_("As its backend says it.")
    )
    title = models.CharField(
        _("title"), max_length=200, blank=True, help_text=_("Shown instead of the name.")
    )
    description = models.TextField(_("description"), blank=True, help_text=_("Markdown."))
    position = models.IntegerField(_("position"), default=0, help_text=_("Lower comes first; then by name."))
    enabled = models.BooleanField(_("enabled"), default=True)
    protocol = models.CharField(
        _("protocol"), max_length=20, blank=True, choices=protocol_choices, help_text=_("Empty: by name.")
    )
    template = models.CharField(
        _("prompt template"),
        max_length=40,
        blank=True,
        choices=template_choices,
        help_text=_("Empty: by name."),
    )
    system_message = models.TextField(
        _("system message"), blank=True, help_text=_("Empty: the prompt template's own.")
    )
    max_images = models.PositiveSmallIntegerField(_("images per message"), default=4)
    max_output_tokens = models.PositiveIntegerField(
        _("most output tokens"), null=True, blank=True, help_text=_("Empty: the site's limit.")
    )
    max_input_tiles = models.PositiveSmallIntegerField(
        _("most input tiles"), null=True, blank=True, help_text=_("Empty: the site's limit.")
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
