"""A host's colour can be read wherever the page shows it, or is refused with a reason."""

import re
from pathlib import Path

import pytest

from chat.colours import (
    DARK,
    LEAST_CONTRAST,
    LIGHT,
    contrast,
    in_the_dark,
    least_contrast,
    problem_of,
    stylesheet,
)

PAGE = (Path(__file__).resolve().parents[2] / "static" / "css" / "page.css").read_text()
BRANDS = ["#3552cc", "#0b6e4f", "#b3261e", "#7a1fa2", "#004d71", "#000000", "#8a4b00"]


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21),
        ("#ffffff", "#ffffff", 1),
        ("#777777", "#ffffff", 4.48),
        ("#0000ff", "#ffffff", 8.59),
    ],
)
def test_contrast_is_that_of_the_guidelines(one, other, ratio):
    assert contrast(one, other) == contrast(other, one) == pytest.approx(ratio, abs=0.01)


@pytest.mark.parametrize("colour", BRANDS)
def test_a_dark_colour_is_taken_and_found_a_brighter_one_for_the_dark(colour):
    assert problem_of(colour, LIGHT) == ""
    assert problem_of(in_the_dark(colour), DARK) == ""


@pytest.mark.parametrize("colour", ["#ffd43b", "#2b8a3e", "#ffffff", "#777777"])
def test_a_colour_that_is_too_bright_is_refused_with_its_contrast(colour):
    problem = problem_of(colour, LIGHT)
    assert f"{least_contrast(colour, LIGHT):.1f} : 1" in problem
    assert "Take a darker one." in problem


def test_a_colour_that_is_too_dark_for_the_dark_is_refused():
    assert "Take a brighter one." in problem_of("#3552cc", DARK)


@pytest.mark.parametrize(
    "colour", ["red", "#fff", "3552cc", "#3552CC", "#3552cg", "#3552cc;", "#3552cc\n", "#３５５２cc"]
)
def test_what_is_no_colour_is_refused(colour):
    assert "six digits" in problem_of(colour, LIGHT)


def test_the_grounds_are_those_of_the_page():
    for scheme in (LIGHT, DARK):
        for ground in scheme.grounds:
            assert ground in PAGE


@pytest.mark.parametrize("colour", BRANDS)
def test_every_pair_that_the_stylesheet_makes_can_be_read(colour):
    found = re.findall(
        r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", stylesheet(colour, in_the_dark(colour))
    )
    for place in (0, 1):
        values = {name: pair[place] for name, *pair in found}
        assert set(values) == {"accent", "accent-strong", "on-accent", "accent-soft"}
        for one, other in (
            ("accent", "on-accent"),
            ("accent-strong", "on-accent"),
            ("accent", "accent-soft"),
        ):
            assert contrast(values[one], values[other]) >= LEAST_CONTRAST, (one, other, values)
