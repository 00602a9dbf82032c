"""The plots of the dashboard with their words, tables and who may see them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from django.contrib.auth.models import AnonymousUser, User
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from chat.models import ReplyState
from feedback.dashboard.numbers import ENDS, Model, Numbers, names_of_models, numbers_of
from feedback.dashboard.periods import PERIODS, Period, Span, period_named
from feedback.dashboard.plots import ColumnPlot, RowPlot, Value, column_plot, row_plot

USUAL = PERIODS[1]
_QUARTERS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Table:
    """The numbers of a plot in words and digits; the first cell of a row names it."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


class Link(NamedTuple):
    address: str
    words: str


@dataclass(frozen=True)
class Card:
    """One plot with all that is said beside it; without a plot there is nothing to show, and `summary` says so."""

    name: str
    title: str
    summary: str
    plot: ColumnPlot | RowPlot | None = None
    table: Table | None = None
    legend: Mapping[str, str] = field(default_factory=dict)  # words by class of the style sheet
    note: str = ""
    link: Link | None = None


class Part(NamedTuple):
    """What makes cards of numbers, and the permission that seeing them takes."""

    permission: str
    cards: Callable[[Numbers, Mapping[Model, str]], Iterable[Card]]


@dataclass(frozen=True)
class Dashboard:
    period: Period
    unknown: str  # a period that the address asked for and that there is not
    span: Span
    cards: list[Card]
    periods: Sequence[Period] = PERIODS

    @property
    def is_empty(self) -> bool:
        return not any(card.plot for card in self.cards)


def dashboard(user: User | AnonymousUser, asked: str | None) -> Dashboard | None:
    """Count what a user may see, for the period that is asked for by its name; None when that is nothing."""
    parts = [part for part in PARTS if user.has_perm(part.permission)]
    if not parts:
        return None
    period = period_named(asked or USUAL.name)
    span = (period or USUAL).until(timezone.now())
    numbers, models = numbers_of(span), names_of_models()
    cards = [card for part in parts for card in part.cards(numbers, models)]
    return Dashboard(period or USUAL, "" if period else (asked or "")[:40], span, cards)


def conversations(numbers: Numbers, models: Mapping[Model, str]) -> Iterable[Card]:
    counts, title = numbers.conversations(), _("Conversations")
    if not any(counts):
        yield Card("conversations", title, _("Nobody began a conversation."))
        return
    words = [
        ngettext("%(number)s conversation", "%(number)s conversations", count) % {"number": _whole(count)}
        for count in counts
    ]
    yield Card(
        "conversations",
        title,
        ngettext("%(number)s began.", "%(number)s began.", sum(counts)) % {"number": _whole(sum(counts))},
        _columns(numbers.span, words, {"conversations": counts}),
        Table(
            [_hour_or_day(numbers.span), title],
            [[_moment(numbers.span, place), _whole(count)] for place, count in enumerate(counts)],
        ),
    )


def replies(numbers: Numbers, models: Mapping[Model, str]) -> Iterable[Card]:
    by_end, title = numbers.replies(), _("Replies")
    total = sum(map(sum, by_end.values()))
    if not total:
        yield Card("replies", title, _("No reply ended."))
        return
    names = {end: str(ReplyState(end).label) for end in ENDS}
    places = range(len(numbers.span.starts))
    words = [", ".join(f"{names[end]} {_whole(by_end[end][place])}" for end in ENDS) for place in places]
    yield Card(
        "replies",
        title,
        _("%(number)s ended; %(share)s of them were complete.")
        % {"number": _whole(total), "share": _percent(sum(by_end[ReplyState.COMPLETE]) / total)},
        _columns(numbers.span, words, {str(end): by_end[end] for end in ENDS}),
        Table(
            [_hour_or_day(numbers.span), *names.values()],
            [
                [_moment(numbers.span, place), *(_whole(by_end[end][place]) for end in ENDS)]
                for place in places
            ],
        ),
        legend={str(end): name for end, name in names.items() if any(by_end[end])},
    )


def errors(numbers: Numbers, models: Mapping[Model, str]) -> Iterable[Card]:
    counts, title = numbers.errors(), _("Errors by cause")
    total = counts.total()
    if not total:
        yield Card("errors", title, _("No reply ended with an error."))
        return
    values = [
        Value(code, f"{_whole(count)} · {_percent(count / total)}", count)
        for code, count in sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    ]
    yield Card(
        "errors",
        title,
        ngettext("%(number)s reply ended with an error.", "%(number)s replies ended with an error.", total)
        % {"number": _whole(total)},
        row_plot(values),
        Table([_("Error"), _("Replies and share")], [[value.label, value.text] for value in values]),
        note=_("docs/errors.md tells what each code means and what to do."),
        link=Link(f"{reverse('admin:chat_message_changelist')}?error=any", _("Replies with errors")),
    )


def first_tokens(numbers: Numbers, models: Mapping[Model, str]) -> Iterable[Card]:
    found, title = numbers.first_tokens(), _("Time to first token")
    if not found:
        yield Card("first-tokens", title, _("No reply had a first token."))
        return
    rows = [(_name(models, model), found[model]) for model in _in_order(found, models)]
    most = max(each.most for _model, each in rows)
    yield Card(
        "first-tokens",
        title,
        _(
            "From asking the worker, by model: the median, and the time within which 95 % of the replies began."
        ),
        row_plot(
            [
                Value(
                    name,
                    f"{_seconds(each.median)} – {_seconds(each.most)}",
                    each.most,
                    each.median,
                    each.median,
                )
                for name, each in rows
            ],
            most,
            [(0.0, "0"), (0.5, _seconds(most / 2)), (1.0, _seconds(most))],
        ),
        Table(
            [_("Model"), _("Median"), _("95 % within"), _("Replies")],
            [[name, _seconds(each.median), _seconds(each.most), _whole(each.replies)] for name, each in rows],
        ),
        note=_("Times are at most 5 % off."),
    )


def speeds(numbers: Numbers, models: Mapping[Model, str]) -> Iterable[Card]:
    found = numbers.speeds()
    order = _in_order(found, models)
    tokens = [(_name(models, model), found[model].tokens) for model in order]
    characters = [(_name(models, model), found[model].characters) for model in order]
    counted = [(name, speed) for name, speed in tokens if speed is not None]
    others = [(name, speed) for name, speed in characters if speed is not None]
    if counted or not others:
        yield _speed_card(
            "tokens",
            _("Tokens a second"),
            _("From the first token to the end, by model; replies whose worker counted the tokens.")
            if counted
            else _("No reply tells how fast it was written."),
            counted,
        )
    if others:
        summary = _(
            "From the first text to the end, by model; replies whose worker did not count the tokens."
        )
        yield _speed_card("characters", _("Characters a second"), summary, others)


def _speed_card(name: str, title: str, summary: str, speeds: Sequence[tuple[str, float]]) -> Card:
    if not speeds:
        return Card(name, title, summary)
    values = [Value(model, _decimal(speed, 1), speed) for model, speed in speeds]
    return Card(
        name,
        title,
        summary,
        row_plot(values),
        Table([_("Model"), title], [[value.label, value.text] for value in values]),
    )


def votes(numbers: Numbers, models: Mapping[Model, str]) -> Iterable[Card]:
    found, title = numbers.votes(), _("Upvotes among votes")
    if not found:
        yield Card("votes", title, _("Nobody voted."))
        return
    rows = [(_name(models, model), found[model]) for model in _in_order(found, models)]
    values = [
        Value(
            name,
            _("%(share)s (%(low)s to %(high)s)")
            % {
                "share": _percent(each.share.value),
                "low": _percent(each.share.low),
                "high": _percent(each.share.high),
            },
            each.share.high,
            each.share.value,
            each.share.low,
        )
        for name, each in rows
    ]
    yield Card(
        "votes",
        title,
        _("By model, with the 95 % interval: where intervals overlap, votes may not tell which is better."),
        row_plot(values, 1.0, [(part, _percent(part, 0)) for part in _QUARTERS]),
        Table(
            [_("Model"), _("Upvotes"), _("Downvotes"), _("Share and 95 % interval")],
            [
                [name, _whole(each.up), _whole(each.down), value.text]
                for (name, each), value in zip(rows, values, strict=True)
            ],
        ),
        note=_("Votes as they stand now, by when they were first given; intervals are Wilson's."),
    )


def flags(numbers: Numbers, models: Mapping[Model, str]) -> Iterable[Card]:
    waiting, title = numbers.flags(), _("Open flags")
    total = sum(waiting.by_age)
    if waiting.oldest is None:
        yield Card("flags", title, _("No flag waits for a decision."))
        return
    values = [
        Value(str(label), _whole(count), count)
        for label, count in zip(AGE_LABELS, waiting.by_age, strict=True)
    ]
    yield Card(
        "flags",
        title,
        ngettext(
            "%(number)s waits now, the oldest since %(time)s.",
            "%(number)s wait now, the oldest since %(time)s.",
            total,
        )
        % {"number": _whole(total), "time": date_format(timezone.localtime(waiting.oldest), "j M Y, H:i")},
        row_plot(values),
        Table([_("Waiting"), _("Flags")], [[value.label, value.text] for value in values]),
        note=_("All that are open, whichever period is shown."),
        link=Link(
            f"{reverse('admin:feedback_flag_changelist')}?state__exact=open&message__conversation__deleted__isempty=1",
            _("List of open flags"),
        ),
    )


PARTS = (
    Part("chat.view_conversation", conversations),
    Part("chat.view_message", replies),
    Part("feedback.view_flag", flags),
    Part("feedback.view_vote", votes),
    Part("chat.view_message", first_tokens),
    Part("chat.view_message", speeds),
    Part("chat.view_message", errors),
)
AGE_LABELS: Sequence[str | Promise] = (
    gettext_lazy("less than an hour"),
    gettext_lazy("an hour to a day"),
    gettext_lazy("1 to 7 days"),
    gettext_lazy("7 to 30 days"),
    gettext_lazy("30 days and more"),
)


def _columns(span: Span, words: Sequence[str], stacks: dict[str, list[int]]) -> ColumnPlot:
    places = range(len(span.starts))
    return column_plot(
        [span.label(place) for place in places],
        [f"{_moment(span, place)}: {words[place]}" for place in places],
        stacks,
    )


def _hour_or_day(span: Span) -> str:
    return _("Hour from") if span.hourly else _("Day")


def _moment(span: Span, place: int) -> str:
    return date_format(span.starts[place], "j M, H:i" if span.hourly else "j M Y")


def _in_order(found: Mapping[Model, object], models: Mapping[Model, str]) -> list[Model]:
    return sorted(found, key=lambda model: (model is None, _name(models, model).casefold()))


def _name(models: Mapping[Model, str], model: Model) -> str:
    return models.get(model) or _("(a model that was removed)")


def _whole(number: int) -> str:
    return number_format(number, use_l10n=True, force_grouping=True)


def _decimal(number: float, decimals: int) -> str:
    # Rounded here, because `number_format` cuts off.
    return number_format(round(number, decimals), decimals, use_l10n=True, force_grouping=True)


def _percent(share: float, decimals: int = 1) -> str:
    return _("%(number)s %%") % {"number": _decimal(share * 100, decimals)}


def _seconds(seconds: float) -> str:
    return _("%(number)s s") % {"number": _decimal(seconds, 2 if seconds < 10 else 0)}
