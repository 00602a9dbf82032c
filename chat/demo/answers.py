"""Answer a question from measurements of its pictures and of the conversation, in Markdown.

No `#` headings: some templates stop at `###`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from chat.demo import reading, regions, showcase
from chat.demo.pictures import Measurements, measure
from chat.demo.question import Question
from chat.images.tiles import TILE, choose_grid
from chat.serving.pictures import Picture, decode

WHO = "I am mmchat's demo worker, not a neural network"
_QUOTED_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class Seen:
    """One picture of the question, measured. `max_tiles` is what the request gives it."""

    picture: Picture
    measured: Measurements
    max_tiles: int


def answer(question: Question) -> str:
    """Compose the whole reply to a question. Takes processor time. Raises `PictureError`."""
    words = question.last.question
    if (text := showcase.asked_length(words)) is not None:
        return text
    if sample := next((text for pattern, text in _SAMPLES if pattern.search(words)), None):
        return sample
    pictures = [decode(text) for text in question.pictures]
    seen = [Seen(picture, measure(picture), question.tiles) for picture in pictures]
    topics = [section for pattern, section in _TOPICS if pattern.search(words)]
    if _PLACES.search(words):
        topics.append(partial(_region_list, regions.style_of(words)))
    if not seen:
        return _without_pictures(question, bool(topics))
    parts = [section(seen) for section in topics] or [_overview(seen), *_text_if_any(seen)]
    return "\n\n".join([*parts, _closing(question, bool(topics))])


# Parts of replies


def _overview(seen: Sequence[Seen]) -> str:
    rows: list[tuple[str, Callable[[Seen], str]]] = [
        ("Size", _size_of),
        ("Sent as", _format_of),
        ("Colours", _colours_of),
        ("Brightness", _brightness_of),
        ("Contrast", _contrast_of),
        ("Sharpness", _sharpness_of),
        ("Tiles", _tiles_of),
    ]
    heads = ["Picture"] if len(seen) == 1 else [f"Picture {number}" for number in range(1, len(seen) + 1)]
    lines = [f"| | {' | '.join(heads)} |", f"|:---|{':---|' * len(seen)}"]
    lines += [f"| **{name}** | {' | '.join(value(one) for one in seen)} |" for name, value in rows]
    return "\n".join([f"{WHO}: I can't say what a picture shows, but I can measure it.", "", *lines])


def _about(value: Callable[[Seen], str], sentence: str) -> Callable[[Sequence[Seen]], str]:
    """Make the section on one topic: a sentence, or a list of one for each picture."""

    def section(seen: Sequence[Seen]) -> str:
        if len(seen) == 1:
            return sentence.format("The picture", value(seen[0]))
        return "\n".join(
            f"{number}. {sentence.format(f'Picture {number}', value(one))}"
            for number, one in enumerate(seen, 1)
        )

    return section


def _colour_list(seen: Sequence[Seen]) -> str:
    parts = []
    for number, one in enumerate(seen, 1):
        parts.append("The colours that cover most of " + ("it:" if len(seen) == 1 else f"picture {number}:"))
        parts.append(
            "\n".join(
                f"- **{part.name}** (`{part.value}`), {part.share:.0%}" for part in one.measured.colours
            )
        )
    return "\n\n".join(parts)


def _region_list(style: regions.Style, seen: Sequence[Seen]) -> str:
    parts = ["Boxed by measurement, since I can't tell what a picture shows:"]
    for number, one in enumerate(seen, 1):
        found = regions.find_regions(one.picture)
        if len(seen) > 1:
            parts.append(f"Picture {number}:")
        parts.append(style(one.picture, found) if found else "Nothing stands out by colour or brightness.")
    return "\n\n".join(parts)


def _text_list(seen: Sequence[Seen]) -> str:
    if not reading.INSTALLED:
        return "I can't read text here: whoever runs this site would have to install `requirements-ocr.txt` for that."
    return "\n\n".join(_text_of(one, number, len(seen)) for number, one in enumerate(seen, 1))


def _text_if_any(seen: Sequence[Seen]) -> list[str]:
    return [_text_list(seen)] if reading.INSTALLED else []


def _text_of(one: Seen, number: int, count: int) -> str:
    name = "the picture" if count == 1 else f"picture {number}"
    lines = reading.read_lines(one.picture.image)
    if not lines:
        return f"I found no text in {name}."
    listed = "\n".join(f"- {line.grounded()}" for line in lines)
    return f"The text in {name}, with its place in thousandths of width and height:\n\n{listed}"


def _without_pictures(question: Question, asked_of_picture: bool) -> str:
    if asked_of_picture:
        return (
            f"{WHO}. To answer that I would measure a picture: please add one.\n\n{_conversation(question)}"
        )
    return "\n\n".join(
        [
            f"{WHO}. I answer from real measurements, so that you can try this site without one.",
            "- Add a picture and ask for **colours**, **size**, **brightness**, **sharpness** or **tiles**"
            + (", or for the **text** in it.\n" if reading.INSTALLED else ".\n")
            + "- Ask **where** something stands out, for boxes on your picture.\n"
            + "- Say `show me markdown`, `show me code` or `show me math`.\n"
            "- Say `count to 100` or `write 300 words` to watch a longer reply.",
            _conversation(question),
        ]
    )


def _closing(question: Question, named_topic: bool) -> str:
    who = f"{WHO}: these are measurements. " if named_topic else ""
    return who + _conversation(question)


def _conversation(question: Question) -> str:
    """Say what was measured of the conversation."""
    words = question.last.question.split()
    turns = len(question.turns)
    place = "This is your first question" if turns == 1 else f"This is question {turns} of our conversation"
    if not words:
        return f"{place}, and it came without words."
    # A code span shows what was typed as it is; a backtick in it would end the span.
    quoted = " ".join(words).replace("`", "'")
    quoted = quoted if len(quoted) <= _QUOTED_CHARACTERS else quoted[:_QUOTED_CHARACTERS] + "…"
    return f"{place}; it has {len(words)} {'word' if len(words) == 1 else 'words'}: `{quoted}`."


# One value of one picture each


def _size_of(one: Seen) -> str:
    width, height = one.picture.width, one.picture.height
    shape = "square" if width == height else "landscape" if width > height else "portrait"
    return f"{width} × {height} pixels, {shape}"


def _format_of(one: Seen) -> str:
    kilobytes = one.picture.bytes_sent / 1024
    size = f"{kilobytes:.0f} KB" if kilobytes >= 1 else f"{one.picture.bytes_sent} bytes"
    return f"{one.picture.format}, {one.picture.sent_mode}, {size}"


def _colours_of(one: Seen) -> str:
    return ", ".join(f"{part.name} {part.share:.0%}" for part in one.measured.colours) or "too many to name"


def _brightness_of(one: Seen) -> str:
    return _level(one.measured.brightness, 0.3, 0.7, ("dark", "medium", "bright"))


def _contrast_of(one: Seen) -> str:
    return _level(one.measured.contrast, 0.1, 0.25, ("low", "medium", "high"))


def _level(value: float, low: float, high: float, words: tuple[str, str, str]) -> str:
    return f"{value:.0%} ({words[0] if value < low else words[1] if value < high else words[2]})"


def _sharpness_of(one: Seen) -> str:
    value = one.measured.sharpness
    word = "soft" if value < 50 else "fairly sharp" if value < 300 else "sharp"
    return f"{value:.0f} ({word}; variance of the Laplacian)"


def _tiles_of(one: Seen) -> str:
    grid = choose_grid(one.picture.width, one.picture.height, one.max_tiles)
    most = f"of {TILE} × {TILE} pixels (at most {one.max_tiles} allowed)"
    if grid.tiles == 1:
        return f"1 tile {most}"
    return f"{grid.total} tiles, {grid.columns} × {grid.rows} and a thumbnail, {most}"


def _pattern(words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{words})\b", re.IGNORECASE)


_SAMPLES = (
    (_pattern("show (?:me )?(?:some )?(?:markdown|a table|a list)"), showcase.MARKDOWN),
    (_pattern("show (?:me )?(?:some )?code"), showcase.CODE),
    (_pattern("show (?:me )?(?:some )?(?:math|maths|mathematics|latex|a formula)"), showcase.MATHEMATICS),
)

_PLACES = _pattern("where|boxe?s?|boxed|bbox|bounding|locate|regions?|grounding|json")
_TOPICS: tuple[tuple[re.Pattern[str], Callable[[Sequence[Seen]], str]], ...] = (
    (_pattern("colou?rs?|colou?red|hues?"), _colour_list),
    (
        _pattern("sizes?|dimensions?|resolution|pixels?|width|height|how (?:big|large|wide|tall)"),
        _about(_size_of, "{0} is {1}."),
    ),
    (_pattern("formats?|bytes|file type|png|jpe?g|webp"), _about(_format_of, "{0} was sent to me as {1}.")),
    (
        _pattern("bright|brighter|brightness|dark|darker|light|exposure"),
        _about(_brightness_of, "{0} has a brightness of {1}."),
    ),
    (_pattern("contrasts?"), _about(_contrast_of, "{0} has a contrast of {1}.")),
    (
        _pattern("sharp|sharpness|blur|blurry|blurred|focus|focused"),
        _about(_sharpness_of, "{0} has a sharpness of {1}."),
    ),
    (_pattern("tiles?|tiling"), _about(_tiles_of, "{0} would be cut into {1}.")),
    (_pattern("texts?|reads?|words?|letters?|written|writing|says?|ocr|signs?|title|label"), _text_list),
)
