import pytest
from PIL import Image, ImageDraw

from chat.demo.colours import NAMES, dominant_colours, name_colour


@pytest.mark.parametrize(
    ("colour", "name"),
    [
        ((12, 12, 14), "black"),
        ((250, 251, 248), "white"),
        ((120, 122, 121), "grey"),
        ((255, 0, 0), "red"),
        ((200, 30, 30), "red"),
        ((255, 165, 0), "orange"),
        ((139, 69, 19), "brown"),
        ((255, 255, 0), "yellow"),
        ((34, 139, 34), "green"),
        ((0, 100, 0), "dark green"),
        ((0, 0, 255), "blue"),
        ((0, 0, 128), "dark blue"),
        ((0, 255, 255), "cyan"),
        ((128, 0, 128), "purple"),
        ((255, 0, 255), "magenta"),
        ((255, 192, 203), "pink"),
        ((64, 224, 208), "turquoise"),
    ],
)
def test_colours_have_the_names_that_people_use(colour, name):
    assert name_colour(colour) == name


def test_each_colour_of_the_table_has_its_own_name():
    assert {name: name_colour(colour) for name, colour in NAMES.items()} == {name: name for name in NAMES}


def test_the_shares_of_a_flag_are_its_stripes():
    flag = Image.new("RGB", (900, 600), (30, 70, 220))
    draw = ImageDraw.Draw(flag)
    draw.rectangle((300, 0, 599, 599), fill="white")
    draw.rectangle((600, 0, 899, 599), fill=(239, 65, 53))
    colours = dominant_colours(flag)
    assert {part.name for part in colours} == {"blue", "white", "red"}
    assert [part.share for part in colours] == pytest.approx([1 / 3] * 3, abs=0.02)


def test_the_largest_colour_comes_first_with_its_value():
    picture = Image.new("RGB", (1000, 1000), (255, 235, 20))
    ImageDraw.Draw(picture).rectangle((0, 0, 999, 249), fill=(10, 80, 25))
    yellow, green = dominant_colours(picture)
    assert (yellow.name, yellow.value, yellow.share) == ("yellow", "#ffeb14", pytest.approx(0.75, abs=0.01))
    assert (green.name, green.share) == ("dark green", pytest.approx(0.25, abs=0.01))


def test_one_pixel_is_one_colour():
    (only,) = dominant_colours(Image.new("RGB", (1, 1), "red"))
    assert (only.name, only.share) == ("red", 1)
