"""Checks one after the other, and what follows from what they find."""

import threading

import pytest

from chat.models import CheckThreshold, ModerationCheck, ModerationEvent, Stage
from chat.moderation import pipeline
from chat.moderation.checks import Check, Finding, Subject, Unavailable
from chat.moderation.kinds import KINDS
from chat.moderation.pipeline import decide, run

Outcome = ModerationEvent.Outcome
TEXT = Subject(Stage.MESSAGE, "some text")


class Kind:
    """A kind of check that finds what it is told to, and keeps what it was asked."""

    def __init__(self):
        self.asked = []
        self.answers = {}

    def __call__(self, check, subject):
        self.asked.append((check.row.name, subject))
        answer = self.answers.get(check.row.name, Finding())
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def kind(monkeypatch):
    kind = Kind()
    monkeypatch.setitem(KINDS, "told", kind)
    return kind


def make(name="one", thresholds=(), **fields):
    rows = [
        CheckThreshold(category=name, at_least=score, outcome=outcome) for name, score, outcome in thresholds
    ]
    return Check(ModerationCheck(name=name, kind="told", **fields), rows)


@pytest.mark.parametrize(
    ("outcome", "code", "notice"),
    [
        ("allowed", "", ""),
        ("warned", "", "message_warned"),
        ("held", "message_held", ""),
        ("refused", "moderation_flagged", ""),
    ],
)
def test_what_a_check_objects_to_has_the_outcome_that_is_set(kind, outcome, code, notice):
    kind.answers["one"] = Finding(frozenset({"hate"}), {"hate": 0.9}, True)
    verdict = run([make(outcome=outcome)], TEXT)
    assert (verdict.outcome, verdict.code, verdict.notice) == (outcome, code, notice)


@pytest.mark.parametrize(
    ("outcome", "code", "notice"),
    [("warned", "", "reply_warned"), ("held", "reply_held", ""), ("refused", "reply_refused", "")],
)
def test_of_a_reply_the_same_outcomes_have_other_words(kind, outcome, code, notice):
    kind.answers["one"] = Finding(flagged=True)
    verdict = run([make(outcome=outcome)], Subject(Stage.REPLY, "some text"))
    assert (verdict.code, verdict.notice) == (code, notice)


@pytest.mark.parametrize(
    ("score", "outcome"),
    [(0.1, "allowed"), (0.2, "warned"), (0.5, "held"), (0.8, "refused"), (1.0, "refused")],
)
def test_thresholds_of_a_category_decide_by_its_score(kind, score, outcome):
    kind.answers["one"] = Finding(scores={"hate": score})
    thresholds = [("hate", 0.8, "refused"), ("hate", 0.2, "warned"), ("hate", 0.5, "held")]
    assert decide(make(thresholds=thresholds), TEXT).outcome == outcome


def test_a_threshold_of_a_category_goes_before_what_the_service_says_of_it(kind):
    kind.answers["one"] = Finding(frozenset({"violence"}), {"violence": 0.6}, True)
    assert decide(make(), TEXT).outcome == Outcome.REFUSED
    assert decide(make(thresholds=[("violence", 0.9, "refused")]), TEXT).outcome == Outcome.ALLOWED
    assert decide(make(thresholds=[("violence", 0, "allowed")]), TEXT).outcome == Outcome.ALLOWED


def test_other_categories_keep_the_outcome_of_the_check(kind):
    kind.answers["one"] = Finding(frozenset({"violence", "hate"}), {"violence": 0.6, "hate": 0.7}, True)
    check = make(outcome="held", thresholds=[("violence", 0.9, "refused")])
    assert decide(check, TEXT).outcome == Outcome.HELD


def test_a_category_without_score_counts_as_one(kind):
    kind.answers["one"] = Finding(frozenset({"S1"}), flagged=True)
    assert decide(make(thresholds=[("S1", 1, "warned")]), TEXT).outcome == Outcome.WARNED


def test_checks_run_in_order_until_one_refuses(kind):
    flagged = Finding(flagged=True)
    kind.answers = {"warns": flagged, "holds": flagged, "refuses": flagged}
    checks = [
        make("warns", outcome="warned"), make("fine"), make("holds", outcome="held"), make("refuses"), make("never"),
    ]  # fmt: skip
    verdict = run(checks, TEXT)
    assert [each.check for each in verdict.decisions] == ["warns", "fine", "holds", "refuses"]
    assert (verdict.deciding.check, verdict.code) == ("refuses", "moderation_flagged")


def test_the_strictest_decides(kind):
    flagged = Finding(flagged=True)
    kind.answers = {"holds": flagged, "warns": flagged}
    verdict = run([make("holds", outcome="held"), make("warns", outcome="warned")], TEXT)
    assert (verdict.outcome, verdict.notice) == (Outcome.HELD, "")


@pytest.mark.parametrize(("when_down", "code"), [("closed", "moderation_unavailable"), ("open", "")])
@pytest.mark.parametrize("error", [Unavailable("HTTP 500"), ZeroDivisionError("a bug")])
def test_each_check_says_what_happens_without_an_answer(kind, when_down, code, error):
    kind.answers["one"] = error
    verdict = run([make(when_down=when_down), make("two")], TEXT)
    assert verdict.code == code
    assert verdict.decisions[0].detail in ("HTTP 500", "ZeroDivisionError")
    assert [name for name, _ in kind.asked] == (["one"] if code else ["one", "two"])


def test_of_a_reply_that_could_not_be_checked_the_words_say_so(kind):
    kind.answers["one"] = Unavailable("gone")
    assert run([make()], Subject(Stage.REPLY, "x")).code == "reply_unchecked"


def test_a_dry_run_decides_nothing_and_stops_nothing(kind):
    kind.answers = {"dry": Finding(flagged=True), "down": Unavailable("gone")}
    verdict = run([make("dry", dry_run=True), make("down", dry_run=True), make("fine")], TEXT)
    assert [(each.check, each.outcome, each.dry_run) for each in verdict.decisions] == [
        ("dry", "refused", True),
        ("down", "unavailable_refused", True),
        ("fine", "allowed", False),
    ]
    assert (verdict.outcome, verdict.code) == (Outcome.ALLOWED, "")


def test_a_check_is_given_only_the_parts_that_it_looks_at(kind):
    subject = Subject(Stage.MESSAGE, "text", images=("image",))
    run([make("text"), make("images", on_text=False, on_images=True), make("both", on_images=True)], subject)
    assert [(name, part.text, part.images) for name, part in kind.asked] == [
        ("text", "text", ()),
        ("images", "", ("image",)),
        ("both", "text", ("image",)),
    ]


@pytest.mark.parametrize("text", ["", "  \n"])
def test_with_nothing_to_look_at_a_check_is_not_asked(kind, text):
    assert run([make()], Subject(Stage.MESSAGE, text, images=("image",))).decisions == ()
    assert kind.asked == []


def test_the_time_that_it_took_is_told(kind):
    assert decide(make(), TEXT).seconds >= 0


def test_names_that_no_database_or_page_can_hold_are_made_such_that_all_can(kind):
    """A service may answer anything; a name with NUL would keep PostgreSQL from storing how a reply ended."""
    long = "x" * 10_000
    names = {"\0bad", "half \ud800", long}
    kind.answers["one"] = Finding(frozenset(names), dict.fromkeys(names, 0.5), True)
    decision = decide(make(thresholds=[("x" * 100, 0.4, "held")]), TEXT)
    assert decision.categories == ("bad", "half ", "x" * 100)
    assert decision.scores == dict.fromkeys(decision.categories, 0.5)
    kind.answers["one"] = Finding(scores={long: 0.5})
    assert decide(make(thresholds=[("x" * 100, 0.4, "held")]), TEXT).outcome == Outcome.HELD


def test_of_thousands_of_names_all_decide_and_some_are_kept(kind):
    scores = {**{f"c{number}": 0.1 for number in range(5000)}, "zz": 0.9, "a": 0.01}
    kind.answers["one"] = Finding(frozenset(scores), scores, True)
    decision = decide(make(outcome="allowed", thresholds=[("a", 0, "held")]), TEXT)
    assert decision.outcome == Outcome.HELD
    assert len(decision.categories) == len(decision.scores) == pipeline.MOST_NAMES
    assert decision.scores["zz"] == 0.9


def test_a_check_that_never_comes_back_is_waited_for_as_long_as_it_may_take(monkeypatch):
    """A name that does not resolve and headers that drip have no time-out of their own."""
    end = threading.Event()
    monkeypatch.setitem(KINDS, "openai", lambda check, subject: end.wait(60) and Finding())
    decision = decide(Check(ModerationCheck(name="one", kind="openai", timeout=0.1)), TEXT)
    end.set()
    assert (decision.outcome, decision.detail) == (Outcome.UNAVAILABLE_REFUSED, "the answer took too long")
