"""A host's colour on the page: whether it can be read, and the stylesheet that brings it there.

Luminance and contrast as WCAG 2.2 defines them.
"""

import re
from typing import NamedTuple

from django.utils.translation import gettext as _

LEAST_CONTRAST = 4.5
_COLOUR = re.compile(r"#[0-9a-f]{6}", re.ASCII)


class Scheme(NamedTuple):
    """What the colour is read on in static/css/page.css, and what it is mixed with."""

    grounds: tuple[str, ...]
    soft: float  # share of the colour in the ground of what is chosen
    towards: str  # brighter or darker, for what is pointed at


LIGHT = Scheme(("#ffffff", "#f6f5f2"), 0.1, "#000000")
DARK = Scheme(("#1d1f22", "#141517"), 0.18, "#ffffff")
ON_COLOUR = ("#ffffff", "#10141a")


def luminance(colour: str) -> float:
    """Give the relative luminance of a colour such as “#3552cc”, 0 to 1."""
    parts = [value / 255 for value in bytes.fromhex(colour[1:])]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Give the contrast of two colours, 1 to 21."""
    dark, bright = sorted((luminance(one), luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


def mix(one: str, other: str, share: float) -> str:
    """Give `share` of one colour in another."""
    pairs = zip(bytes.fromhex(one[1:]), bytes.fromhex(other[1:]), strict=True)
    return "#" + bytes(round(a * share + b * (1 - share)) for a, b in pairs).hex()


def least_contrast(colour: str, scheme: Scheme) -> float:
    """Give the contrast of a colour on whatever it is read on, at its worst place."""
    soft = mix(colour, scheme.grounds[0], scheme.soft)
    return min(contrast(colour, ground) for ground in (*scheme.grounds, soft))


def problem_of(colour: str, scheme: Scheme) -> str:
    """Say why a colour can't be taken; "" where it can, or is empty."""
    if not colour:
        return ""
    if not _COLOUR.fullmatch(colour):
        return _("Write a colour as # and six digits or letters from a to f, such as #3552cc.")
    found = least_contrast(colour, scheme)
    if found >= LEAST_CONTRAST:
        return ""
    advice = _("Take a darker one.") if scheme is LIGHT else _("Take a brighter one.")
    return _(
        "Text in this colour has a contrast of %(found)s : 1 at places; %(least)s : 1 can be read. %(advice)s"
    ) % {
        "found": f"{found:.1f}",
        "least": LEAST_CONTRAST,
        "advice": advice,
    }


def in_the_dark(colour: str) -> str:
    """Give the least bright colour of this hue that can be read in the dark."""
    for share in range(100, 0, -1):
        brighter = mix(colour, "#ffffff", share / 100)
        if least_contrast(brighter, DARK) >= LEAST_CONTRAST:
            return brighter
    return "#ffffff"


def stylesheet(light: str, dark: str) -> str:
    """Give the rules that bring a host's colours to the page, in place of those of static/css/page.css."""
    in_light, in_dark = _properties(light, LIGHT), _properties(dark, DARK)
    rules = (f"--{name}: light-dark({in_light[name]}, {in_dark[name]});" for name in in_light)
    return f":root {{ {' '.join(rules)} }}\n"


def _properties(colour: str, scheme: Scheme) -> dict[str, str]:
    return {
        "accent": colour,
        "accent-strong": mix(colour, scheme.towards, 0.82),
        "on-accent": max(ON_COLOUR, key=lambda other: contrast(colour, other)),
        "accent-soft": mix(colour, scheme.grounds[0], scheme.soft),
    }
