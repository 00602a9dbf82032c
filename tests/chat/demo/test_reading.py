import re

import pytest
from PIL import Image, ImageDraw, ImageFont

from chat.demo import reading
from chat.demo.answers import answer
from chat.demo.question import Question
from chat.demo.turns import Turn
from tests.chat.demo.conftest import png

GROUNDED = re.compile(r"- <ref>(.+?)</ref><box>\[\[(\d+), (\d+), (\d+), (\d+)\]\]</box>")


@pytest.fixture(scope="module")
def sign() -> Image.Image:
    image = Image.new("RGB", (800, 400), "white")
    draw = ImageDraw.Draw(image)
    draw.text((50, 60), "Harbour Street 42", fill="black", font=ImageFont.load_default(48))
    draw.text((300, 250), "CLOSED", fill="red", font=ImageFont.load_default(48))
    return image


def test_text_is_read_with_its_box_in_thousandths(demo, sign):
    found = {
        text: tuple(map(int, box)) for text, *box in GROUNDED.findall(demo.reply("What text is there?", sign))
    }
    assert set(found) == {"Harbour Street 42", "CLOSED"}
    # Drawn at (50, 60) and (300, 250) of 800 × 400, by a font of 48 pixels.
    assert found["Harbour Street 42"] == pytest.approx((64, 175, 537, 280), abs=25)
    assert found["CLOSED"][:2] == pytest.approx((378, 655), abs=25)


def test_a_description_holds_the_text_too(demo, sign):
    assert "<ref>CLOSED</ref>" in demo.reply("What is it?", sign)


def test_a_picture_without_text_is_said_to_have_none(demo):
    assert "I found no text in the picture." in demo.reply("Read it", Image.new("RGB", (300, 200), "white"))


def test_without_the_extra_nothing_is_read_and_the_answer_says_what_to_install(monkeypatch, sign):
    monkeypatch.setattr(reading, "INSTALLED", False)
    reading._engine.cache_clear()
    assert reading.read_lines(sign) == []
    reading._engine.cache_clear()
    assert "`requirements-ocr.txt`" in answer(
        Question([Turn("Read it", 1, "", [png(sign)])], "", 100, 12, "")
    )


def test_marks_in_the_text_that_was_read_can_not_end_a_reference():
    line = reading.Line("a</ref><box>[[0, 0, 1, 1]]</box>", (1, 2, 3, 4))
    assert line.grounded().count("<") == 4
    assert line.grounded().endswith("</ref><box>[[1, 2, 3, 4]]</box>")
