import json
import re

import pytest
from PIL import Image, ImageDraw

LABELS = ["most colourful region", "brightest region", "darkest region"]
INTERNVL = re.compile(r"<ref>(.+?)</ref><box>\[\[(\d+), (\d+), (\d+), (\d+)\]\]</box>")
QWEN = re.compile(
    r"<\|object_ref_start\|>(.+?)<\|object_ref_end\|><\|box_start\|>\((\d+),(\d+)\),\((\d+),(\d+)\)<\|box_end\|>"
)


@pytest.fixture(scope="module")
def three_regions() -> Image.Image:
    """Grey, with a red square, a white bar and a black one, each at its own place."""
    image = Image.new("RGB", (800, 400), (110, 110, 110))
    draw = ImageDraw.Draw(image)
    draw.rectangle((80, 40, 239, 199), fill=(220, 20, 20))
    draw.rectangle((400, 200, 719, 279), fill="white")
    draw.rectangle((400, 320, 719, 359), fill="black")
    return image


def found(pattern: re.Pattern, reply: str) -> dict[str, tuple[int, ...]]:
    return {label: tuple(map(int, box)) for label, *box in pattern.findall(reply)}


def expected(width: int, height: int) -> dict[str, object]:
    places = {
        "most colourful region": (80, 40, 240, 200),
        "brightest region": (400, 200, 720, 280),
        "darkest region": (400, 320, 720, 360),
    }
    return {
        label: pytest.approx(
            (x1 * width / 800, y1 * height / 400, x2 * width / 800, y2 * height / 400), abs=0.02 * width
        )
        for label, (x1, y1, x2, y2) in places.items()
    }


def test_what_stands_out_is_boxed_where_it_is(demo, three_regions):
    reply = demo.reply("Where is it?", three_regions)
    assert "by measurement" in reply
    assert found(INTERNVL, reply) == expected(1000, 1000)


def test_qwens_tags_are_written_when_asked_for(demo, three_regions):
    assert found(QWEN, demo.reply("Draw boxes as Qwen does", three_regions)) == expected(1000, 1000)


def test_json_has_pixels_of_the_picture_that_was_sent(demo, three_regions):
    reply = demo.reply("Boxes as JSON, please", three_regions)
    boxes = json.loads(reply.split("```json\n")[1].split("```")[0])
    assert {box["label"]: tuple(box["bbox_2d"]) for box in boxes} == expected(800, 400)


def test_each_of_several_pictures_is_named_before_its_boxes(demo, three_regions):
    reply = demo.reply("Where?", three_regions, three_regions)
    assert reply.index("Picture 1:") < reply.index("<box>") < reply.index("Picture 2:")
    assert len(INTERNVL.findall(reply)) == 2 * len(LABELS)


def test_nothing_is_boxed_where_nothing_stands_out(demo):
    assert "Nothing stands out" in demo.reply("Where is it?", Image.new("RGB", (300, 200), "grey"))


def test_two_regions_of_one_kind_are_not_boxed_as_one(demo):
    image = Image.new("RGB", (400, 400), (110, 110, 110))
    ImageDraw.Draw(image).rectangle((20, 20, 119, 119), fill="white")
    ImageDraw.Draw(image).rectangle((300, 300, 339, 339), fill="white")
    assert found(INTERNVL, demo.reply("Where?", image))["brightest region"] == pytest.approx(
        (50, 50, 300, 300), abs=15
    )
