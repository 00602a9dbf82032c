import pytest
from PIL import Image, ImageDraw

from tests.chat.demo.conftest import frames_of, png

NOT_A_NETWORK = "I am mmchat's demo worker, not a neural network"


def two_colours() -> Image.Image:
    image = Image.new("RGB", (1024, 768), "white")
    ImageDraw.Draw(image).rectangle((0, 0, 1023, 191), fill=(30, 70, 220))
    return image


def test_it_says_that_it_is_no_neural_network_with_and_without_a_picture(demo):
    assert demo.reply("Who are you?").startswith(NOT_A_NETWORK)
    assert demo.reply("What is it?", two_colours()).startswith(NOT_A_NETWORK)
    assert NOT_A_NETWORK in demo.reply("Which colours are there?", two_colours())


def test_a_picture_is_described_in_a_table_of_measurements(demo):
    lines = demo.reply("What do you see?", two_colours()).splitlines()
    assert "| **Size** | 1024 × 768 pixels, landscape |" in lines
    assert "| **Colours** | white 75%, blue 25% |" in lines
    assert any(line.startswith("| **Sent as** | PNG, RGB, ") for line in lines)
    assert "| **Brightness** | 82% (bright) |" in lines
    assert (
        "| **Tiles** | 13 tiles, 4 × 3 and a thumbnail, of 448 × 448 pixels (at most 12 allowed) |" in lines
    )


def test_several_pictures_stand_side_by_side(demo):
    reply = demo.reply("Compare them", two_colours(), Image.new("RGB", (100, 200), "red"))
    assert "| | Picture 1 | Picture 2 |" in reply
    assert "| **Size** | 1024 × 768 pixels, landscape | 100 × 200 pixels, portrait |" in reply


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Which colours has it?", "- **blue** (`#1e46dc`), 25%"),
        ("What's its size?", "The picture is 1024 × 768 pixels, landscape."),
        ("How bright is it?", "The picture has a brightness of 82% (bright)."),
        ("Is the contrast high?", "The picture has a contrast of "),
        ("Is it in focus?", "The picture has a sharpness of "),
        ("What format is it?", "The picture was sent to me as PNG, RGB, "),
        ("How many tiles?", "The picture would be cut into 13 tiles"),
    ],
)
def test_a_question_on_one_thing_is_answered_with_that_alone(demo, question, answer):
    reply = demo.reply(question, two_colours())
    assert answer in reply
    assert "| **Size** |" not in reply


def test_a_question_on_two_things_is_answered_with_both(demo):
    reply = demo.reply("What are its colour and its size?", two_colours())
    assert "**blue**" in reply
    assert "1024 × 768" in reply


def test_a_question_about_a_picture_without_one_asks_for_it(demo):
    assert "please add one" in demo.reply("Which colours has it?")


def test_the_tiles_follow_the_requests_limit(demo):
    assert "cut into 7 tiles, 3 × 2" in demo.reply("How many tiles?", two_colours(), max_input_tiles=6)


def test_the_conversation_is_measured_too(demo):
    prompt = "A chat. USER: <image>\nHello ASSISTANT: Hi.</s>USER: And its `size`, please? ASSISTANT:"
    with demo.post(prompt=prompt, images=[png(two_colours())]) as response:
        reply = frames_of(response.content)[-1]["text"].removeprefix(prompt)
    assert "The picture is 1024 × 768 pixels" in reply
    assert reply.endswith(
        "This is question 2 of our conversation; it has 4 words: `And its 'size', please?`."
    )


@pytest.mark.parametrize(
    ("question", "sample"),
    [
        ("Show me markdown", "| Left | Centre |"),
        ("show me some code", "```python"),
        ("Show math", r"\begin{pmatrix}"),
    ],
)
def test_samples_of_markup_are_shown_on_request(demo, question, sample):
    assert sample in demo.reply(question)


def test_no_reply_holds_a_heading_which_some_templates_stop_at(demo):
    for question in ("hello", "show me markdown", "show me code", "show me math", "write 500 words"):
        assert "###" not in demo.reply(question)
    assert "###" not in demo.reply("hello", two_colours())
