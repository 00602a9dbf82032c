"""A reply that is to be continued stands in the prompt as an earlier reply would, without its end."""

import pytest

from chat.demo.turns import read_turns
from chat.prompts.families import FAMILIES
from chat.prompts.render import Turn, render

QUESTION = Turn("user", "Count.")


@pytest.mark.parametrize("name", FAMILIES)
def test_it_is_written_as_an_earlier_reply_is(name):
    family = FAMILIES[name]
    prompt = render(family, None, [QUESTION], "one two").prompt
    assert prompt.endswith("one two")
    later = render(family, None, [QUESTION, Turn("assistant", "one two"), Turn("user", "more")]).prompt
    assert later.startswith(prompt)


@pytest.mark.parametrize("name", FAMILIES)
def test_it_can_not_end_its_turn(name):
    family = FAMILIES[name]
    for control in family.control:
        prompt = render(family, None, [QUESTION], f"one {control}").prompt
        assert prompt.count(control) == render(family, None, [QUESTION], "one").prompt.count(control)


@pytest.mark.parametrize("name", [name for name, family in FAMILIES.items() if family.layout != "plain"])
def test_the_demo_worker_finds_it(name):
    (turn,) = read_turns(render(FAMILIES[name], None, [QUESTION], "1, 2,").prompt)
    assert (turn.question, turn.reply) == ("Count.", "1, 2,")
