"""Shares with their intervals, and percentiles of times that are kept in classes."""

import math
import random
from collections import Counter
from statistics import NormalDist

import pytest

from feedback.dashboard.intervals import wilson
from feedback.dashboard.times import milliseconds_of, percentile, time_class


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    # R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17 (1998)
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_intervals_are_those_that_are_published(successes, trials, low, high):
    assert wilson(successes, trials) == pytest.approx((low, successes / trials, high), abs=5e-5)


@pytest.mark.parametrize(("successes", "trials"), [(0, 1), (1, 1), (1, 2), (499, 1000), (10**6 - 1, 10**6)])
def test_the_share_is_just_as_unlikely_as_allowed_at_both_ends(successes, trials):
    share = wilson(successes, trials)
    deviations = NormalDist().inv_cdf(0.975)
    for end in (share.low, share.high):
        far = abs(share.value - end)
        assert end in (0, 1) or far == pytest.approx(
            deviations * math.sqrt(end * (1 - end) / trials), abs=1e-9
        )
    assert 0 <= share.low <= share.value <= share.high <= 1
    assert share.low < share.high


def test_there_is_no_share_without_votes():
    with pytest.raises(ZeroDivisionError):
        wilson(0, 0)


@pytest.mark.parametrize("milliseconds", [0, 0.2, 1, 1.1, 1.21, 7, 999.9, 1000, 60_000, 10_000_000])
def test_a_class_tells_its_times_within_5_percent(milliseconds):
    assert milliseconds_of(time_class(milliseconds)) == pytest.approx(max(milliseconds, 1), rel=0.05)


def test_percentiles_of_classes_are_those_of_the_times_within_5_percent():
    chance = random.Random(3)
    times = sorted(chance.lognormvariate(7, 1) for _ in range(999))
    classes = Counter(time_class(each) for each in times)
    for share, place in ((0.5, 499), (0.95, 949), (1.0, 998)):
        assert percentile(classes, share) == pytest.approx(times[place], rel=0.05)


def test_there_is_no_percentile_of_nothing():
    assert percentile({}, 0.5) is None
