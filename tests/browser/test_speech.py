"""What a screen reader hears of a reply: where it is in line, whole sentences, each once, and how it ended."""

import pytest
from playwright.sync_api import expect

from tests.browser.scripted_worker import Failure, Hold

LISTEN = """
() => {
  window.heard = [];
  for (const id of ["speech", "announcer"]) {
    new MutationObserver((changes) => {
      for (const { addedNodes } of changes) for (const { textContent } of addedNodes) heard.push(textContent);
    }).observe(document.getElementById(id), { childList: true });
  }
}
"""


def heard(page):
    return page.evaluate("heard")


def wait_to_hear(page, words):
    page.wait_for_function("(words) => heard.some((each) => each.startsWith(words))", arg=words)


@pytest.fixture
def listen(open_stage):
    def listen(look):
        stage = open_stage(look)
        stage.page.evaluate(LISTEN)
        return stage

    return listen


def ask(stage, *pieces):
    stage.worker.will_say(*pieces)
    stage.find("#message").fill("Tell me.")
    stage.press("#send")


def test_sentences_are_heard_whole_and_once_and_code_and_formulas_by_name(listen):
    stage = listen("desktop")
    first, second = Hold(), Hold()
    ask(
        stage,
        "The total is **20.40**. It was pa",
        first,
        "id in cash! So $x^2$ it",
        second,
        " is.\n\n- one\n- two. And more\n\n```python\nx = 1\ny = 2\n```\n\n| a | b |\n|-|-|\n| 1 | 2 |\n",
    )
    wait_to_hear(stage.page, "The total")
    stage.page.wait_for_timeout(1500)  # nothing comes meanwhile
    assert heard(stage.page)[-1] == "The total is 20.40."
    first.set()
    wait_to_hear(stage.page, "It was")
    second.set()
    wait_to_hear(stage.page, "Reply complete.")
    words = [words for words in heard(stage.page) if not words.startswith("Waiting")]
    assert words == [
        "The total is 20.40.",
        "It was paid in cash!",
        "So formula x^2 it is.",
        "one",
        "two. And more",
        "Code in python, lines: 2.",
        "a, b",
        "1, 2",
        "Reply complete.",
    ]


def test_chinese_sentences_end_with_their_own_signs(listen):
    stage = listen("desktop-chinese")
    hold = Hold()
    ask(stage, "你好。一共二十元！对吗？还有一", hold, "件事")
    wait_to_hear(stage.page, "你好")
    assert heard(stage.page)[-1] == "你好。一共二十元！对吗？"
    hold.set()
    wait_to_hear(stage.page, "还有一件事")


def test_somebody_in_line_hears_the_place_then_the_stop(listen):
    stage = listen("desktop")
    hold = Hold()
    stage.worker.will_say("One moment", hold)
    stage.other.ask("I am before you.")
    stage.other.expect_text("One moment")
    ask(stage, "Never said")
    wait_to_hear(stage.page, "You are number 1 in line")
    stage.press("#stop")
    wait_to_hear(stage.page, "This reply was stopped.")
    hold.set()
    stage.other.expect_state("complete")


def test_thinking_and_an_error_are_heard_after_what_was_said(listen):
    stage = listen("desktop")
    first, second = Hold(), Hold()
    ask(stage, "<think>Hm. ", first, "Yes.</think>Half of", second, Failure("CUDA out of memory"))
    wait_to_hear(stage.page, "Thinking…")
    first.set()
    stage.chat.expect_text("Half of")
    second.set()
    wait_to_hear(stage.page, "The model ran into an error")
    words = [words for words in heard(stage.page) if not words.startswith("Waiting")]
    assert words[:2] == ["Thinking…", "Half of"]
    assert len(words) == 3


def test_what_was_there_before_is_not_read_out_and_nothing_stays_behind(listen):
    stage = listen("desktop")
    hold = Hold()
    ask(stage, "Known already. And", hold, " new.")
    wait_to_hear(stage.page, "Known already.")
    stage.chat.expect_own_address()
    stage.chat.reload()
    stage.page.evaluate(LISTEN)
    expect(stage.chat.reply_text).to_have_text("Known already. And")
    stage.page.wait_for_timeout(1000)
    hold.set()
    wait_to_hear(stage.page, "Reply complete.")
    assert heard(stage.page) == ["And new.", "Reply complete."]
    expect(stage.find("#speech p")).to_have_count(0)
