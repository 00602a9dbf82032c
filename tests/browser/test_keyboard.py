"""Every state by keyboard: what has focus shows it and is in sight, nothing holds it, and dialogs give it back."""

import pytest
from playwright.sync_api import expect

from tests.browser.chat_page import EXAMPLES
from tests.browser.states import (
    FOUND,
    about_a_picture,
    beginning,
    disturbed,
    history,
    other_pages,
    replies,
)

MOST = 200  # presses of Tab in one state

# What has focus: its number among those that Tab should reach, and what is wrong with how it is seen.
FOCUSED = """
() => {
  const element = document.activeElement;
  if (!element || element === document.body || element === document.documentElement) return null;
  const { left, top, right, bottom } = element.getBoundingClientRect();
  const shows = (one) => {
    const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(one);
    return outlineStyle !== "none" && parseFloat(outlineWidth) >= 1 && !/, 0\\)$/.test(outlineColor);
  };
  const wrong = [];
  if (![element, element.closest(".box, .drop")].some((one) => one && shows(one))) wrong.push("shows no focus");
  let seen = false;
  for (let x = 0.5; x < 8; x += 1) {
    for (let y = 0.5; y < 8; y += 1) {
      const hit = document.elementFromPoint(left + ((right - left) * x) / 8, top + ((bottom - top) * y) / 8);
      seen ||= hit !== null && element.contains(hit);
    }
  }
  if (!seen) wrong.push("is hidden behind something");
  return { name: element.outerHTML.slice(0, 160), place: wanted.indexOf(element), wrong };
}
"""
# What Tab should reach; of radio buttons one of a group, and in an open dialog nothing else.
TABBABLE = """
window.tabbable = () => {
  const root = [...document.querySelectorAll("dialog[open]")].at(-1) ?? document;
  const groups = new Set();
  const all = root.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']");
  return [...all].filter((element) => {
    if (element.disabled || element.tabIndex < 0) return false;
    if (!element.checkVisibility({ visibilityProperty: true })) return false;
    if (element.type !== "radio") return true;
    const chosen = root.querySelector(`input[name="${element.name}"]:checked`);
    if (chosen ? chosen !== element : groups.has(element.name)) return false;
    groups.add(element.name);
    return true;
  });
};
window.wanted = tabbable();
wanted.length;
"""
# A vote that is stored meanwhile, say, brings something or takes it away: only what stays has to be reached.
MISSED = """
(reached) => {
  const now = tabbable();
  const missed = wanted.filter((element, place) => now.includes(element) && !reached.includes(place));
  return missed.map((element) => `${element.outerHTML.slice(0, 160)} is never reached`);
}
"""


def tab_through(page):
    """Press Tab until all has had focus; give what is wrong."""
    number = page.evaluate(TABBABLE)
    reached, wrong = set(), []
    for _ in range(MOST):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused is None:
            if len(reached) == number:
                break
            continue
        if focused["place"] in reached and len(reached) == number:
            break
        if focused["place"] >= 0:
            reached.add(focused["place"])
        wrong += [f"{focused['name']} {words}" for words in focused["wrong"]]
    return wrong + page.evaluate(MISSED, list(reached))


@pytest.mark.parametrize("look", ["desktop", "phone"])
def test_tab_reaches_all_of_every_state_in_sight(open_stage, look):
    stage = open_stage(look, has_touch=False, is_mobile=False)
    wrong = {}
    for walk in (beginning, about_a_picture, replies, history, disturbed, other_pages):
        for name in walk(stage):
            before = stage.page.evaluate("document.activeElement?.id")
            if found := tab_through(stage.page):
                wrong[name] = sorted(set(found))
            if before:
                stage.page.evaluate("(id) => document.getElementById(id)?.focus()", before)
    assert not wrong, "\n".join(f"{name}: {words}" for name, found in wrong.items() for words in found)


def test_each_dialog_gives_focus_back_to_what_opened_it(open_stage):
    stage = open_stage("desktop")
    page = stage.page
    stage.worker.will_say(FOUND)
    page.set_input_files("#add-image", EXAMPLES / "shapes.png")
    expect(stage.find(".thumbnail")).to_have_attribute("data-state", "ready")

    def opens(selector, dialog):
        opener = stage.find(selector).last
        opener.focus()
        page.keyboard.press("Enter")
        expect(stage.find(dialog)).to_be_visible()
        assert page.evaluate("document.activeElement.closest('dialog') !== null"), f"{dialog} takes no focus"
        page.keyboard.press("Escape")
        expect(stage.find(dialog)).to_be_hidden()
        expect(opener).to_be_focused()

    opens(".thumbnail-look", "#lightbox")
    stage.chat.ask_and_wait("Where?")
    stage.find(".reply [data-part=up]").click()
    expect(stage.find(".details [data-part=mark]")).to_be_visible()
    for selector, dialog in {
        "#history-open": "#history",
        ".keys-open": "#keys",
        ".side [data-opens=own-data]": "#own-data",
        "#share-open": "#share",
        "#delete": "#confirm",
        ".reply [data-part=flag]": "#flag",
        ".details [data-part=mark]": "#boxes",
        ".question .pictures a": "#lightbox",
        ".seen-open": "#lightbox",
        ".reply .place-box": "#lightbox",
    }.items():
        opens(selector, dialog)

    stage.press("#history-open")
    rename = stage.find(".history-row [data-part=rename]")
    rename.focus()
    page.keyboard.press("Enter")
    expect(stage.find(".history-form input")).to_be_focused()
    page.keyboard.press("Escape")
    expect(rename).to_be_focused()
    remove = stage.find(".history-row [data-part=remove]")
    remove.focus()
    page.keyboard.press("Enter")
    expect(stage.find("#confirm")).to_be_visible()
    page.keyboard.press("Escape")
    expect(remove).to_be_focused()
