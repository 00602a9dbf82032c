"""Every state of the page, held to what it promises to everyone: WCAG 2.2 AA, zoom, small screens, no motion."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.states import LOOKS, everything

# axe leaves the size of targets out unless it is asked for.
ALL = {"resultTypes": ["violations"], "preload": False, "rules": {"target-size": {"enabled": True}}}
COLOURS = {
    "resultTypes": ["violations"],
    "preload": False,
    "runOnly": ["color-contrast", "link-in-text-block"],
}
RUN = """
async (options) => {
  const { violations } = await axe.run(document, options);
  const found = [];
  for (const { id, nodes } of violations) {
    for (const { target, failureSummary } of nodes) {
      // What has scrolled half under a bar is as large as before once it is scrolled to.
      if (id === "target-size" && failureSummary.includes("obscured")) {
        document.querySelector(target).scrollIntoView({ block: "center" });
        const again = await axe.run(target, { runOnly: [id], resultTypes: ["violations"] });
        if (!again.violations.length) continue;
      }
      found.push(`${id}: ${target} ${failureSummary}`);
    }
  }
  return found;
}
"""
WIDTH = "[document.scrollingElement.scrollWidth, innerWidth]"
MOTION = """
() => {
  const glides = (element) => getComputedStyle(element).scrollBehavior === "smooth";
  const moves = ({ effect }) => effect.getComputedTiming().duration > 0;
  return document.getAnimations().filter(moves).length + [...document.querySelectorAll("*")].filter(glides).length;
}
"""


def wrong_by_axe(page):
    """Give what axe finds in the light, and of the colours in the dark: nothing else depends on the scheme."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    found = []
    for scheme, rules in (("light", ALL), ("dark", COLOURS)):
        page.emulate_media(color_scheme=scheme)
        found += [f"{scheme}: {words}" for words in page.evaluate(RUN, rules)]
    return found


def wrong_by_size(page):
    """Give at which sizes the page scrolls sideways: its own, and on a desktop enlarged twice, or only its text."""
    size = page.viewport_size
    widths = {"as it is": page.evaluate(WIDTH)}
    if size["width"] == 1280:
        page.set_viewport_size({"width": 640, "height": 400})
        widths["at 200 %"] = page.evaluate(WIDTH)
        page.set_viewport_size(size)
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        widths["with text of 200 %"] = page.evaluate(WIDTH)
        page.evaluate("document.documentElement.style.fontSize = ''")
    return [f"{how}: {width} of {room} pixels" for how, (width, room) in widths.items() if width > room]


@pytest.mark.parametrize("look", LOOKS)
def test_every_state_is_for_everyone(open_stage, look):
    stage = open_stage(look)
    wrong = {}
    for name in everything(stage):
        stage.page.mouse.move(0, 0)
        found = wrong_by_size(stage.page) + wrong_by_axe(stage.page)
        if moving := stage.page.evaluate(MOTION):
            found.append(f"{moving} things move")
        if found:
            wrong[name] = found
    assert not wrong, "\n".join(f"{name}: {words}" for name, found in wrong.items() for words in found)
