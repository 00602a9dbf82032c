"""What moderators fill in: which items they want, and what they decide."""

import datetime
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chat.languages import LANGUAGES
from chat.models import ChatModel, ModerationEvent
from chat.models.moderation import HELD
from chat.reasons import FlagReason
from feedback.models import Review
from feedback.review.decisions import Decision, Measure
from feedback.review.queue import NO_LANGUAGE, Wish

MOST_NOTE_CHARACTERS = 2000
LAST_DAY = datetime.date(9999, 12, 30)  # one more has no midnight behind it
FOR_GOOD = ""
DAYS = [
    ("1", _("1 day")),
    ("7", _("7 days")),
    ("30", _("30 days")),
    ("365", _("365 days")),
    (FOR_GOOD, _("for good")),
]


def _reasons() -> list[tuple[str, Any]]:
    held = [
        (outcome, _("check: %(outcome)s") % {"outcome": ModerationEvent.Outcome(outcome).label})
        for outcome in HELD
    ]
    return [("", _("All")), *FlagReason.choices, *held]


def _languages() -> list[tuple[str, Any]]:
    return [("", _("All")), *((code, code) for code in sorted(LANGUAGES)), (NO_LANGUAGE, _("not known"))]


def _day(label: Any) -> forms.DateField:
    return forms.DateField(
        label=label,
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        validators=[MaxValueValidator(LAST_DAY)],
    )


class WishForm(forms.Form):
    """Read which items a moderator wants; a value that can't be read counts as none."""

    order = forms.ChoiceField(
        label=_("Order"),
        required=False,
        choices=[("oldest", _("oldest first")), ("most", _("most complaints first"))],
    )
    model = forms.ModelChoiceField(
        ChatModel.objects.order_by("name"), label=_("Model"), required=False, empty_label=_("All")
    )
    reason = forms.ChoiceField(label=_("Reason"), required=False, choices=_reasons)
    language = forms.ChoiceField(label=_("Language"), required=False, choices=_languages)
    first = _day(_("From"))
    last = _day(_("To"))

    def wish(self) -> Wish:
        self.is_valid()
        given = {name: value for name, value in self.cleaned_data.items() if value}
        if model := given.pop("model", None):
            given["model"] = model.pk
        return Wish(**given)


class DecisionForm(forms.Form):
    """Read a decision; without JavaScript, too."""

    message = forms.UUIDField(widget=forms.HiddenInput)
    verdict = forms.ChoiceField(choices=Review.Verdict.choices, widget=forms.HiddenInput)
    note = forms.CharField(
        label=_("Note, and reason of what follows"),
        required=False,
        max_length=MOST_NOTE_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    hide = forms.BooleanField(label=_("Hide the reply"), required=False)
    hide_days = forms.ChoiceField(label=_("Hide the reply for"), required=False, choices=DAYS)
    block_visitor = forms.BooleanField(label=_("Block the visitor"), required=False)
    visitor_days = forms.ChoiceField(label=_("Block the visitor for"), required=False, choices=DAYS)
    image_days = forms.ChoiceField(label=_("Block images for"), required=False, choices=DAYS)

    def clean_note(self) -> str:
        note: str = self.cleaned_data["note"]
        return note.strip()

    def decision(self, flags: list[int], events: list[int], images: list[int]) -> Decision:
        given = self.cleaned_data
        return Decision(
            verdict=Review.Verdict(given["verdict"]),
            flags=flags,
            events=events,
            note=given["note"],
            hide=_measure(given["hide_days"]) if given["hide"] else None,
            block_visitor=_measure(given["visitor_days"]) if given["block_visitor"] else None,
            block_images=_measure(given["image_days"]) if images else None,
            images=images,
        )


def _measure(days: str) -> Measure:
    return Measure(timezone.now() + datetime.timedelta(days=int(days)) if days else None)
