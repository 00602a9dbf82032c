"""Templates that FastChat's workers tell of themselves are rendered as FastChat does."""

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest

from chat.prompts.fastchat import IMAGE, ConvTemplate, UnknownStyle, render_template
from chat.prompts.neutral import ZERO_WIDTH_SPACE
from chat.prompts.turns import Turn

RECORDED = json.loads((Path(__file__).parents[2] / "streams/fastchat-templates.json").read_text("utf-8"))
TURNS = [Turn(role, text) for role, text in RECORDED["turns"]]
NAMES = {field.name for field in fields(ConvTemplate)}
VICUNA = ConvTemplate(2, ("USER", "ASSISTANT"), "vicuna_v1.1", system_message="A chat.", sep=" ", sep2="</s>")
CHATML = ConvTemplate(
    9,
    ("<|im_start|>user", "<|im_start|>assistant"),
    "chatml",
    system_template="<|im_start|>system\n{system_message}",
    system_message="Be kind.",
    sep="<|im_end|>",
    stop_token_ids=[50278],
)


def template(conv):
    return ConvTemplate(**{name: value for name, value in conv.items() if name in NAMES})


@pytest.mark.parametrize("recorded", RECORDED["rendered"], ids=lambda recorded: recorded["conv"]["name"])
def test_a_prompt_is_what_fastchat_makes_of_it(recorded):
    assert render_template(template(recorded["conv"]), None, TURNS).prompt == recorded["prompt"]


def test_every_style_but_one_was_recorded():
    assert {recorded["conv"]["sep_style"] for recorded in RECORDED["rendered"]} == set(range(1, 19))


@pytest.mark.parametrize("style", [0, 19, 20, -1, None])
def test_an_unknown_style_is_refused_by_its_number(style):
    with pytest.raises(UnknownStyle, match=f"'vicuna_v1.1' has the sep_style {style}"):
        render_template(replace(VICUNA, sep_style=style), None, TURNS)


def test_a_system_message_takes_the_place_of_the_templates_words():
    assert render_template(CHATML, "Be brief.", TURNS).prompt.startswith(
        "<|im_start|>system\nBe brief.<|im_end|>\n"
    )
    assert "{system_message}" not in render_template(CHATML, "", TURNS).prompt


def test_where_to_stop_is_the_templates():
    rendered = render_template(replace(CHATML, stop_str=["<|im_end|>", "###"]), None, TURNS)
    assert (rendered.stops, rendered.stop_token_ids) == (["<|im_end|>", "###"], [50278])
    assert render_template(VICUNA, None, TURNS)[1:3] == ([], [])
    assert render_template(replace(VICUNA, stop_str="###"), None, TURNS).stops == ["###"]


def test_images_are_marked_as_fastchat_does_and_counted():
    turns = [Turn("user", "Which?", 2), Turn("assistant", ""), Turn("user", "Look at <image>", 1)]
    rendered = render_template(VICUNA, None, turns)
    assert rendered.image_indexes == (2,)
    assert rendered.prompt.count(IMAGE) == 1
    assert f"USER: {IMAGE}Look at" in rendered.prompt


@pytest.mark.parametrize("conv", [VICUNA, CHATML, replace(VICUNA, sep_style=1, sep="###", sep2=None)])
def test_what_people_type_opens_no_turn_ends_none_and_is_no_image(conv):
    marks = conv.control()
    assert {IMAGE, "</s>"} < set(marks)
    calm, loud = (
        render_template(conv, None, [Turn("user", text), Turn("assistant", text), Turn("user", text)]).prompt
        for text in ("x", f"x {' '.join(marks)} {''.join(marks)}")
    )
    assert {mark: loud.count(mark) for mark in marks} == {mark: calm.count(mark) for mark in marks}
    assert ZERO_WIDTH_SPACE in loud


def test_what_a_template_acts_upon_is_found_in_it():
    assert {"USER:", "ASSISTANT:", "</s>"} <= set(VICUNA.control())
    assert {"<|im_start|>user", "<|im_start|>assistant", "<|im_end|>"} <= set(CHATML.control())
    headed = replace(VICUNA, sep="###", sep2=None, roles=("Human", "Assistant"), stop_str="<end>")
    assert {"###Human", "### Assistant", "<end>"} <= set(headed.control())
    assert "###" not in headed.control()


def test_words_line_ends_and_headings_stay_as_they_are():
    text = "USER and ASSISTANT\n\n### A heading\n- one"
    assert text in render_template(VICUNA, None, [Turn("user", text)]).prompt


@pytest.mark.parametrize(
    ("conv", "end"), [(VICUNA, "ASSISTANT: Half"), (CHATML, "<|im_start|>assistant\nHalf")]
)
def test_a_reply_goes_on_from_its_beginning(conv, end):
    assert render_template(conv, None, [Turn("user", "Hi")], "Half").prompt.endswith(end)


def test_examples_come_first():
    conv = replace(VICUNA, messages=[("USER", "1+1?"), ("ASSISTANT", "2")])
    prompt = render_template(conv, None, [Turn("user", "2+2?")]).prompt
    assert prompt == "A chat. USER: 1+1? ASSISTANT: 2</s>USER: 2+2? ASSISTANT:"
