"""What the host says and shows on the page."""

import secrets
from pathlib import PurePath
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import FileExtensionValidator
from django.db import models
from django.db.models import Q
from django.db.models.fields.files import FieldFile
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from chat.colours import DARK, LIGHT, Scheme, problem_of

MOST_LOGO_BYTES = 512 * 1024
MOST_PICTURE_BYTES = 1024 * 1024  # every visitor's first page loads it
PICTURES = ["png", "jpg", "jpeg", "webp"]


def language_choices() -> list[tuple[str, str]]:
    return [(code, str(name)) for code, name in settings.LANGUAGES]


def logo_file(instance: "SiteText", name: str) -> str:
    """Name a logo anew each time, so that browsers may keep it for good."""
    return f"site/{secrets.token_hex(8)}{PurePath(name).suffix.lower()}"


def example_file(instance: "ExamplePicture", name: str) -> str:
    return f"examples/{secrets.token_hex(8)}{PurePath(name).suffix.lower()}"


class Translated(models.Model):
    """Words that may have others in further languages, as rows of `translations`."""

    WORDS: ClassVar[tuple[str, ...]]
    unsaved_translations: list[Any] | None = None  # of a preview, in place of the stored ones

    class Meta:
        abstract = True

    def words(self) -> dict[str, str]:
        """Give the words in the language that is active; what has none of its own there, as it is."""
        language = get_language() or ""
        rows = self.unsaved_translations
        if rows is None:
            rows = list(self.translations.all()) if self.pk else []  # type: ignore[attr-defined]
        own = next((row for row in rows if row.language == language), None)
        return {name: getattr(own, name, "") or getattr(self, name) for name in self.WORDS}


class SiteText(Translated):
    """The words and looks of the host on the page; one row."""

    WORDS = ("title", "welcome", "acknowledgements", "research_text")

    title = models.CharField(_("title"), max_length=120, default="mmchat")
    logo = models.ImageField(
        _("logo"),
        upload_to=logo_file,
        blank=True,
        validators=[FileExtensionValidator(PICTURES)],
        help_text=_(
            "PNG, JPEG or WebP, best square and of some 128 pixels. Also shown in the browser's tab."
        ),
    )
    accent = models.CharField(
        _("colour"),
        max_length=7,
        blank=True,
        help_text=_("Of buttons and links, such as #3552cc; dark enough to be read on white."),
    )
    accent_dark = models.CharField(
        _("colour in the dark"),
        max_length=7,
        blank=True,
        help_text=_(
            "For visitors whose device is set to dark; bright enough to be read on black. "
            "Empty: a brighter one of the colour above."
        ),
    )
    welcome = models.TextField(
        _("welcome"), blank=True, help_text=_("Markdown, above an empty conversation.")
    )
    acknowledgements = models.TextField(
        _("acknowledgements"),
        blank=True,
        help_text=_("Markdown, below the page: who made and who pays for it."),
    )
    offers_research = models.BooleanField(
        _("offer the research switch"),
        default=False,
        help_text=_("“My chats may be used for research”, off until a visitor switches it on."),
    )
    research_text = models.TextField(
        _("what research means here"),
        blank=True,
        help_text=_("Markdown, below the switch: who uses the chats, for what, and who gets them."),
    )

    class Meta:
        verbose_name = _("texts of the site")
        verbose_name_plural = _("texts of the site")

    def __str__(self) -> str:
        return self.title

    def clean(self) -> None:
        """Raise `ValidationError` for colours that can't be read, and for a logo that every visitor would wait for."""
        problems: dict[str, Any] = {}
        self.accent, self.accent_dark = self.accent.lower(), self.accent_dark.lower()
        schemes: list[tuple[str, Scheme]] = [("accent", LIGHT), ("accent_dark", DARK)]
        for field, scheme in schemes:
            if problem := problem_of(getattr(self, field), scheme):
                problems[field] = problem
        if self.accent_dark and not self.accent:
            problems.setdefault("accent", _("The colour in the dark needs one for the light."))
        if _is_new(self.logo) and self.logo.size > MOST_LOGO_BYTES:
            problems["logo"] = _("A logo may have up to %(limit)s KB.") % {"limit": MOST_LOGO_BYTES // 1024}
        if problems:
            raise ValidationError(problems)


class SiteTranslation(models.Model):
    """The host's words in one more language; what is empty is shown as it is in the first."""

    site_text = models.ForeignKey(SiteText, models.CASCADE, related_name="translations")
    language = models.CharField(_("language"), max_length=20, choices=language_choices)
    title = models.CharField(_("title"), max_length=120, blank=True)
    welcome = models.TextField(_("welcome"), blank=True)
    acknowledgements = models.TextField(_("acknowledgements"), blank=True)
    research_text = models.TextField(_("what research means here"), blank=True)

    class Meta:
        verbose_name = _("words in another language")
        verbose_name_plural = _("words in other languages")
        constraints = [
            models.UniqueConstraint(fields=["site_text", "language"], name="site_translation_once")
        ]

    def __str__(self) -> str:
        return self.get_language_display()


class AnnouncementQuerySet(models.QuerySet["Announcement"]):
    def not_over(self) -> "AnnouncementQuerySet":
        """Those that show now or later."""
        return self.filter(Q(ends__isnull=True) | Q(ends__gt=timezone.now()))


class Announcement(models.Model):
    """A line above the page, for a time."""

    text = models.TextField(_("text"), max_length=1000, help_text=_("Markdown; one or two sentences."))
    important = models.BooleanField(
        _("important"), default=False, help_text=_("Stands out, and visitors can't put it away.")
    )
    language = models.CharField(
        _("language"),
        max_length=20,
        blank=True,
        choices=language_choices,
        help_text=_("Empty: shown in every language."),
    )
    starts = models.DateTimeField(_("starts"), default=timezone.now)
    ends = models.DateTimeField(_("ends"), null=True, blank=True, help_text=_("Empty: until it is removed."))

    objects = AnnouncementQuerySet.as_manager()

    class Meta:
        verbose_name = _("announcement")
        verbose_name_plural = _("announcements")
        ordering = ["-important", "starts", "pk"]

    def __str__(self) -> str:
        return self.text[:80]

    def clean(self) -> None:
        """Raise `ValidationError` for one that would never show."""
        if self.ends and self.starts and self.ends <= self.starts:
            raise ValidationError({"ends": _("The end must lie after the beginning.")})


class Example(models.Model):
    """A card that a visitor can click to try: a question, perhaps with pictures, parameters and a model."""

    PARAMETERS = ("temperature", "top_p", "max_output_tokens", "max_input_tiles", "image_mode")

    question = models.CharField(_("question"), max_length=300)
    language = models.CharField(
        _("language"),
        max_length=20,
        blank=True,
        choices=language_choices,
        help_text=_("Empty: shown in every language."),
    )
    model = models.ForeignKey(
        "ChatModel",
        models.SET_NULL,
        null=True,
        blank=True,
        verbose_name=_("model"),
        help_text=_("Picked with the example. Empty: the visitor's own choice stays."),
    )
    temperature = models.FloatField(_("Temperature"), null=True, blank=True)
    top_p = models.FloatField(_("Top P"), null=True, blank=True)
    max_output_tokens = models.PositiveIntegerField(_("Max output tokens"), null=True, blank=True)
    max_input_tiles = models.PositiveIntegerField(_("Max input tiles"), null=True, blank=True)
    image_mode = models.CharField(_("Image mode"), max_length=10, blank=True)
    position = models.IntegerField(_("position"), default=0)
    enabled = models.BooleanField(_("enabled"), default=True)

    class Meta:
        verbose_name = _("example")
        verbose_name_plural = _("examples")
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.question

    def parameters(self) -> dict[str, float | int | str]:
        """Give the parameters that it sets."""
        values = {name: getattr(self, name) for name in self.PARAMETERS}
        return {name: value for name, value in values.items() if value not in (None, "")}


class ExamplePicture(models.Model):
    """One picture of an example: the host's own, or one that the site ships."""

    example = models.ForeignKey(Example, models.CASCADE, related_name="pictures")
    file = models.ImageField(
        _("picture"),
        upload_to=example_file,
        blank=True,
        validators=[FileExtensionValidator([*PICTURES, "gif"])],
    )
    shipped = models.CharField(
        _("shipped picture"),
        max_length=100,
        blank=True,
        editable=False,
        help_text=_("Path among static files."),
    )
    description = models.CharField(
        _("picture in words"), max_length=200, blank=True, help_text=_("For those who can't see it.")
    )
    position = models.IntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("picture")
        verbose_name_plural = _("pictures")
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.description or str(self.file or self.shipped)

    def clean(self) -> None:
        """Raise `ValidationError` for a row without a picture, and for one that every visitor would wait for."""
        if not self.file and not self.shipped:
            raise ValidationError({"file": _("Choose a picture, or remove this row.")})
        if _is_new(self.file) and self.file.size > MOST_PICTURE_BYTES:
            words = _("An example's picture may have up to %(limit)s KB.")
            raise ValidationError({"file": words % {"limit": MOST_PICTURE_BYTES // 1024}})


def _is_new(file: FieldFile) -> bool:
    """Tell whether a field holds a file that is not stored yet."""
    return bool(file) and not file._committed  # type: ignore[attr-defined]  # what Django's own fields look at
