import pytest

from chat.demo.turns import read_turns
from chat.prompts.families import FAMILIES
from chat.prompts.render import Turn, render

TURNS = [
    Turn("user", "What is <this>?", 2),
    Turn("assistant", "A cat: meow.\n\n- one\n- two"),
    Turn("user", "And that?\nOn the right."),
    Turn("assistant", "A dog."),
    Turn("user", "Which colours has it?", 1),
]
MARKED = [name for name, family in FAMILIES.items() if family.layout != "plain"]


@pytest.mark.parametrize("name", MARKED)
def test_the_turns_of_every_template_are_found(name):
    turns = read_turns(render(FAMILIES[name], None, TURNS).prompt)
    assert [(turn.question, turn.images, turn.reply) for turn in turns] == [
        ("What is <this>?", 2, "A cat: meow.\n\n- one\n- two"),
        ("And that?\nOn the right.", 0, "A dog."),
        ("Which colours has it?", 1, ""),
    ]


@pytest.mark.parametrize("name", MARKED)
def test_a_first_question_alone_is_found(name):
    (turn,) = read_turns(render(FAMILIES[name], "Be brief.", [Turn("user", "Hello there", 1)]).prompt)
    assert (turn.question, turn.images, turn.reply) == ("Hello there", 1, "")


def test_a_prompt_without_marks_is_one_turn():
    (turn,) = read_turns(render(FAMILIES["plain"], None, [Turn("user", "Hello there", 1)]).prompt)
    assert (turn.question, turn.images) == ("Hello there", 1)


@pytest.mark.parametrize("prompt", ["", "ASSISTANT:", "USER: ASSISTANT:", "<image>", "###", "[/INST]"])
def test_a_prompt_of_next_to_nothing_is_still_a_turn(prompt):
    assert len(read_turns(prompt)) == 1
