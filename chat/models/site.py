"""How the site runs: what visitors may choose, its processes and its regular work."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _


class ParameterRange(models.Model):
    """What visitors may choose for one generation parameter; hosts edit it in the admin."""

    class Name(models.TextChoices):
        TEMPERATURE = "temperature", _("Temperature")
        TOP_P = "top_p", _("Top P")
        MAX_OUTPUT_TOKENS = "max_output_tokens", _("Max output tokens")
        MAX_INPUT_TILES = "max_input_tiles", _("Max input tiles")

    name = models.CharField(_("parameter"), max_length=20, choices=Name.choices, unique=True)
    minimum = models.FloatField(_("minimum"))
    maximum = models.FloatField(_("maximum"))
    step = models.FloatField(_("step"))
    default = models.FloatField(_("default"))

    class Meta:
        verbose_name = _("parameter")
        verbose_name_plural = _("parameters")
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(minimum__lte=models.F("default"))
                & models.Q(default__lte=models.F("maximum")),
                name="parameter_default_in_range",
                violation_error_message=_("The default must lie between minimum and maximum."),
            ),
            models.CheckConstraint(
                condition=models.Q(step__gt=0),
                name="parameter_step_positive",
                violation_error_message=_("The step must be above 0."),
            ),
        ]

    def __str__(self) -> str:
        return self.get_name_display()

    @property
    def is_whole(self) -> bool:
        return self.name in (self.Name.MAX_OUTPUT_TOKENS, self.Name.MAX_INPUT_TILES)


class ServerProcess(models.Model):
    """A running process of the site; its counter moves while it lives."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    host = models.CharField(_("host"), max_length=200)
    pid = models.PositiveIntegerField(_("process id"))
    heartbeat = models.PositiveBigIntegerField(_("heartbeat"), default=0)
    started = models.DateTimeField(_("started"), auto_now_add=True)

    class Meta:
        verbose_name = _("server process")
        verbose_name_plural = _("server processes")

    def __str__(self) -> str:
        return f"{self.host} {self.pid}"


class Chore(models.Model):
    """Work that some process of the site does now and then: whoever moves `due` does it."""

    name = models.CharField(_("name"), max_length=40, primary_key=True)
    due = models.DateTimeField(_("due"))
    started = models.DateTimeField(_("last started"), null=True, blank=True)
    ended = models.DateTimeField(_("last ended"), null=True, blank=True)
    result = models.JSONField(_("last result"), default=dict, blank=True)

    class Meta:
        verbose_name = _("regular work")
        verbose_name_plural = _("regular work")

    def __str__(self) -> str:
        return self.name


class CircuitBreaker(models.Model):
    """What one process knows of a worker that fails. The process decides by its memory; this is for people."""

    class State(models.TextChoices):
        CLOSED = "closed", _("takes replies")
        OPEN = "open", _("paused")
        HALF_OPEN = "half_open", _("on trial")

    process = models.ForeignKey(
        ServerProcess, models.CASCADE, related_name="breakers", verbose_name=_("server process")
    )
    address = models.CharField(_("worker"), max_length=300)
    state = models.CharField(_("state"), max_length=10, choices=State.choices)
    failures = models.PositiveIntegerField(_("failures in a row"))
    error_code = models.CharField(_("last error"), max_length=40)
    error_detail = models.TextField(_("error detail"), blank=True)
    changed = models.DateTimeField(_("changed"))

    class Meta:
        verbose_name = _("circuit breaker")
        verbose_name_plural = _("circuit breakers")
        ordering = ["address", "pk"]
        constraints = [models.UniqueConstraint(fields=["process", "address"], name="breaker_once")]

    def __str__(self) -> str:
        return self.address
