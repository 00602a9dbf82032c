from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.models.host import Translated, language_choices


class TermsQuerySet(models.QuerySet["Terms"]):
    def in_force(self) -> "Terms | None":
        """Give the newest version; None where the host has none."""
        return self.order_by("-created", "-pk").prefetch_related("translations").first()


class Terms(Translated):
    """One version of the terms of use. What visitors have accepted never changes: a change is a new version."""

    WORDS = ("text",)

    version = models.CharField(
        _("version"),
        max_length=40,
        unique=True,
        help_text=_("Such as “2” or “2026-12”; it is stored with each visitor who accepts it."),
    )
    text = models.TextField(_("text"), help_text=_("Markdown."))
    must_be_accepted = models.BooleanField(
        _("must be accepted"),
        default=False,
        help_text=_(
            "Shown to each visitor before the first message or image, also to those who accepted an older version. "
            "Unticked, the text only stands below the page. Once ticked and saved, this version can't be changed."
        ),
    )
    created = models.DateTimeField(_("in force since"), auto_now_add=True)

    objects = TermsQuerySet.as_manager()

    class Meta:
        verbose_name = _("terms of use")
        verbose_name_plural = _("terms of use")
        ordering = ["-created", "-pk"]

    def __str__(self) -> str:
        return self.version

    def clean(self) -> None:
        """Raise `ValidationError` for a version without words."""
        if self.must_be_accepted and not self.text.strip():
            raise ValidationError({"text": _("Nobody can accept an empty text.")})


class TermsTranslation(models.Model):
    """The text of a version in one more language."""

    terms = models.ForeignKey(Terms, models.CASCADE, related_name="translations")
    language = models.CharField(_("language"), max_length=20, choices=language_choices)
    text = models.TextField(_("text"))

    class Meta:
        verbose_name = _("text in another language")
        verbose_name_plural = _("texts in other languages")
        constraints = [models.UniqueConstraint(fields=["terms", "language"], name="terms_translation_once")]

    def __str__(self) -> str:
        return self.get_language_display()
