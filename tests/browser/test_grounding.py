"""A reply points at places on the visitor's pictures: boxes over them, linked with its words."""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.browser.scripted_worker import Hold

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
CUP = "<ref>the cup</ref><box>[[100, 250, 300, 500]]</box>"

# What is written, and what of it is read in the end. At each cut only a beginning of that may be seen.
WRITTEN = {
    f"See {CUP}, it is *hot*.": "See the cup, it is hot.",
    "<ref>two cats</ref><box>[[1,2,30,40],[50,60,70,80]]</box>": "two cats",
    "- <ref>a</ref>\n  <box>[[1, 2, 3, 4]]</box>\n- <ref>b</ref><box>[5, 6, 7, 8]</box> end": "a b end",
    "<ref>old Qwen</ref><box>(1,2),(3,4)</box>": "old Qwen",
    "A <|object_ref_start|>cat<|object_ref_end|><|box_start|>(1,2),(3,4)<|box_end|>"
    "<|box_start|>(5,6),(7,8)<|box_end|> sits.": "A cat sits.",
    "**<ref>bold</ref><box>[[1, 2, 3, 4]]</box>** and <ref>only a name</ref> here.": "bold and only a name here.",
    'It is {"bbox_2d": [1, 2, 3, 4], "label": "a } {"} there.': "It is a } { there.",
    'Both: [{"label": "x", "bbox_2d": [1, 2, 3, 4]},\n {"bbox": [5, 6, 7, 8], "label": "y"}]': "Both: x y",
    'Here:\n\n```json\n[\n  {"bbox_2d": [1, 2, 3, 4], "label": "x"},\n'
    '  {"bbox_2d": [5, 6, 7, 8], "label": "y"}\n]\n```\n\nDone.': "Here: x y Done.",
    "A share: [0.12, 0.3, 0.5, 0.92], a note [1], a {brace}, a < b.": "A share: , a note [1], a {brace}, a < b.",
}


def test_cut_at_every_character_no_half_of_a_mark_is_ever_shown(chat):
    chat.begin_to_write()
    flickers = chat.page.evaluate(
        """async (written) => {
            const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
            const { RichText } = await import(loaded.find((name) => name.includes("/components/rich_text.")));
            performance.now = () => 0; // a slow machine must not draw less often
            // In the place of labels that point at a picture, which are made elsewhere, their words.
            const slotFor = (mark) => {
                const element = document.createElement("span");
                element.textContent = ` ${mark.textContent} `;
                return { element, update: () => false };
            };
            const tight = (text) => text.replace(/\\s+/g, " ").replace(/ ([,.])/g, "$1").trim();
            const flickers = [];
            for (const [text, end] of Object.entries(written)) {
                const element = document.getElementById("log").appendChild(document.createElement("div"));
                const shown = new RichText(element, { places: () => ({ slotFor, draw() {} }) });
                const wanted = tight(end);
                for (let cut = 1; cut <= text.length; cut += 1) {
                    shown.update(text.slice(0, cut), { done: false });
                    const seen = tight(element.textContent);
                    if (!wanted.startsWith(seen)) flickers.push([text.slice(0, cut), seen]);
                }
                shown.update(text, { done: true });
                const seen = tight(element.textContent);
                if (seen !== wanted) flickers.push([text, seen]);
                element.remove();
            }
            return flickers;
        }""",
        WRITTEN,
    )
    assert flickers == []


def test_what_stops_within_a_mark_shows_what_is_sure_and_hides_nothing_else(chat):
    texts = {
        "<ref>the cup</ref><box>[[1, 2": "<ref>the cup</ref>",
        "<ref>the cup</ref>": "<ref>the cup</ref>",
        'x [{"bbox_2d": [1, 2, 3, 4]}, {"bb': 'x [{"bbox_2d": [1, 2, 3, 4]}]',
        "The tag <ref> begins": "The tag <ref> begins",
        "a <": "a <",
        '{"label": "no box': '{"label": "no box',
    }
    chat.begin_to_write()
    settled = chat.page.evaluate(
        """async (texts) => {
            const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
            const { settled } = await import(loaded.find((name) => name.includes("/lib/grounding.")));
            return texts.map((text) => settled(text, { done: true }));
        }""",
        list(texts),
    )
    assert settled == list(texts.values())


def test_a_model_that_repeats_a_mark_without_end_does_not_hold_up_the_page(chat):
    chat.begin_to_write()
    took = chat.page.evaluate(
        """async () => {
            const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
            const { settled } = await import(loaded.find((name) => name.includes("/lib/grounding.")));
            const began = performance.now();
            for (const mark of ["<ref>", "<ref>a ", "<box>", "<box>1 "]) settled(mark.repeat(20_000));
            return performance.now() - began;
        }"""
    )
    assert took < 2000  # milliseconds, which a search to the end of the text at each mark takes several times


def test_numbers_mean_places_on_the_picture_that_the_model_saw(chat):
    wide = {"width": 1000, "height": 500}
    tiny = {"width": 300, "height": 200}
    huge = {"width": 8000, "height": 4000}  # smart_resize makes it 5068 × 2520
    cases = [
        ((wide, "thousandths", "internvl2-8b", "Default"), [100, 200, 300, 400], [0.1, 0.2, 0.3, 0.4]),
        ((wide, "thousandths", "internvl2-8b", "Default"), [300, 400, 100, 200], [0.1, 0.2, 0.3, 0.4]),
        ((wide, "thousandths", "internvl2-8b", "Default"), [-5, 0, 2000, 1000], [0, 0, 1, 1]),
        ((wide, "pixels", "some-model", "Default"), [100, 100, 200, 250], [0.1, 0.2, 0.2, 0.5]),
        ((wide, "pixels", "Qwen2.5-VL-7B", "Default"), [504, 252, 1008, 504], [0.5, 0.5, 1, 1]),
        ((huge, "pixels", "qwen2_5_vl", "Default"), [2534, 1260, 5068, 2520], [0.5, 0.5, 1, 1]),
        ((wide, "pixels", "Qwen3-VL-8B", "Default"), [100, 200, 300, 400], [0.1, 0.2, 0.3, 0.4]),
        ((tiny, "pixels", "some-model", "Default"), [100, 200, 900, 1000], [0.1, 0.2, 0.9, 1]),
        ((wide, "pixels", "some-model", "Pad"), [0, 250, 1000, 750], [0, 0, 1, 1]),
        ((wide, "thousandths", "internvl2-8b", "Pad"), [0, 250, 1000, 500], [0, 0, 1, 0.5]),
        ((wide, "pixels", "some-model", "Resize"), [0, 168, 336, 336], [0, 0.5, 1, 1]),
        ((wide, "shares", "llava-v1.5-13b", "Default"), [0, 0.25, 0.5, 0.75], [0, 0, 0.5, 1]),
        ((wide, "shares", "some-model", "Default"), [0, 0.25, 0.5, 0.75], [0, 0.25, 0.5, 0.75]),
    ]
    chat.begin_to_write()
    found = chat.page.evaluate(
        """async (cases) => {
            const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
            const { boxesOn } = await import(loaded.find((name) => name.includes("/lib/places.")));
            return cases.map(([[image, unit, model, mode], box]) =>
                boxesOn(image, { unit, boxes: [box, [5, 5, 5, 5]] }, { model, mode }));
        }""",
        [list(case[:2]) for case in cases],
    )
    for (case, box, wanted), boxes in zip(cases, found, strict=True):
        assert boxes == [pytest.approx(wanted, abs=0.001)], (case, box)


def label(chat, name):
    return chat.reply_text.get_by_role("button", name=name, exact=True)


def boxes(chat, name=None):
    figure = chat.reply.get_by_role("figure")
    return figure.get_by_role("button", name=name, exact=True) if name else figure.locator(".place-box")


def shares(chat, box):
    """Where a box is on its picture, in shares of the picture's sides."""
    frame = box.bounding_box()
    picture = chat.reply.locator(".seen-picture img").bounding_box()
    left, top = frame["x"] - picture["x"], frame["y"] - picture["y"]
    across, down = picture["width"], picture["height"]
    return (
        left / across,
        top / down,
        (left + frame["width"]) / across,
        (top + frame["height"]) / down,
    )


def test_boxes_are_drawn_while_the_reply_comes(chat, worker):
    hold, then = Hold(), Hold()
    worker.will_say(
        "There is <ref>the c", hold, f"{CUP[10:]} and", then, " a <ref>pot</ref><box>[[0, 0, 9, 9]]</box>"
    )
    chat.add_image("receipt.png")
    chat.ask("Where is it?")
    chat.expect_text("There is the c")
    expect(chat.reply.get_by_role("figure")).to_be_hidden()
    hold.set()
    chat.expect_text("There is the cup and")
    expect(boxes(chat, "1: the cup")).to_be_visible()
    expect(chat.reply).to_have_attribute("aria-busy", "true")
    assert shares(chat, boxes(chat).first) == pytest.approx((0.1, 0.25, 0.3, 0.5), abs=0.01)
    expect(chat.reply.get_by_role("figure").get_by_role("img", name="receipt.png")).to_be_visible()
    then.set()
    expect(boxes(chat)).to_have_count(2)
    chat.expect_state("complete")
    expect(boxes(chat, "2: pot")).to_be_visible()


def test_a_box_around_all_of_a_picture_is_no_speck_in_its_corner(chat, worker):
    worker.will_say('{"bbox": [0, 0, 1, 1], "label": "everything"}')
    chat.add_image("receipt.png")
    chat.ask_and_wait()
    assert shares(chat, boxes(chat).first) == pytest.approx((0, 0, 1, 1), abs=0.01)


def test_words_and_boxes_point_at_each_other_by_hover_and_by_focus(chat, worker):
    worker.will_say(f"{CUP} and <ref>the plates</ref><box>[[400, 0, 500, 100], [600, 0, 700, 100]]</box>")
    chat.add_image("receipt.png")
    chat.ask_and_wait()
    expect(boxes(chat)).to_have_count(3)
    marked = re.compile("is-marked")
    label(chat, "the plates").hover()
    for index, is_marked in enumerate([False, True, True]):
        expectation = expect(boxes(chat).nth(index))
        (expectation.to_have_class if is_marked else expectation.not_to_have_class)(marked)
    boxes(chat, "1: the cup").hover()
    expect(label(chat, "the cup")).to_have_class(marked)
    expect(label(chat, "the plates")).not_to_have_class(marked)
    chat.message.hover()
    expect(label(chat, "the cup")).not_to_have_class(marked)

    label(chat, "the cup").focus()
    expect(boxes(chat, "1: the cup")).to_have_class(marked)
    boxes(chat, "2: the plates").last.focus()
    expect(label(chat, "the plates")).to_have_class(marked)
    expect(boxes(chat, "1: the cup")).not_to_have_class(marked)
    # The same words have the same colour, other words another.
    colours = [
        boxes(chat).nth(index).evaluate("(box) => getComputedStyle(box).borderTopColor") for index in range(3)
    ]
    assert colours[0] != colours[1] == colours[2]


def test_boxes_can_be_switched_off_for_good_and_on_again(chat, worker):
    worker.will_say(CUP)
    worker.will_say(CUP)
    chat.add_image("receipt.png")
    chat.ask_and_wait()
    chat.ask_and_wait("And again?")
    for reply in (chat.replies.first, chat.replies.last):
        expect(reply.locator(".place-box")).to_be_visible()
    chat.reply.get_by_role("button", name="Boxes", exact=True).click()
    for reply in (chat.replies.first, chat.replies.last):
        expect(reply.locator(".place-box")).to_be_hidden()
        expect(reply.get_by_role("button", name="Boxes", exact=True)).to_have_attribute(
            "aria-pressed", "false"
        )
    chat.reload()
    expect(chat.reply.get_by_role("button", name="Boxes", exact=True)).to_have_attribute(
        "aria-pressed", "false"
    )
    expect(chat.reply.locator(".place-box")).to_be_hidden()
    chat.reply.get_by_role("button", name="Boxes", exact=True).click()
    expect(chat.reply.locator(".place-box")).to_be_visible()


def test_boxes_are_copied_as_pixels_or_as_thousandths(chat, site, worker):
    chat.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    worker.will_say(CUP)
    chat.add_image("receipt.png")
    chat.ask_and_wait()
    width, height = site.newest_image()

    def copied(unit):
        chat.reply.get_by_role("group", name="Copy the boxes").get_by_role("button", name=unit).click()
        expect(chat.reply.get_by_text("Boxes copied: 1")).to_be_visible()
        return json.loads(chat.page.evaluate("navigator.clipboard.readText()"))

    assert copied("Thousandths") == [{"label": "the cup", "box": [100, 250, 300, 500]}]
    pixels = [round(width * 0.1), round(height * 0.25), round(width * 0.3), round(height * 0.5)]
    assert copied("Pixels") == [{"label": "the cup", "box": pytest.approx(pixels, abs=1)}]


def test_a_list_in_json_becomes_labels_that_can_be_hovered(chat, site, worker):
    chat.add_image("receipt.png")
    width, height = site.newest_image()
    place = [width // 2, height // 2, width, height]
    found = json.dumps([{"bbox_2d": place, "label": "corner"}, {"bbox_2d": place, "label": ""}], indent=1)
    worker.will_say(f"```json\n{found}\n```")
    chat.ask_and_wait()
    expect(label(chat, "corner")).to_be_visible()
    expect(label(chat, "Place")).to_be_visible()
    expect(chat.reply_text.locator("pre")).to_have_count(0)
    assert shares(chat, boxes(chat).first) == pytest.approx((0.5, 0.5, 1, 1), abs=0.01)


def test_other_json_stays_code(chat, worker):
    worker.will_say('```json\n{"label": "positive", "score": 0.9}\n```')
    chat.add_image("receipt.png")
    chat.ask_and_wait()
    expect(chat.reply_text.locator("pre")).to_contain_text('"score": 0.9')


def test_boxes_belong_to_the_picture_that_the_reply_names(chat, worker):
    box = "<box>[[100, 100, 200, 200]]</box>"
    chat.add_image("receipt.png", "chart.png")
    worker.will_say(f"<ref>a</ref>{box}. In Image-2: <ref>b</ref>{box}. In picture 1: <ref>c</ref>{box}.")
    chat.ask_and_wait()

    def labels(picture):
        frame = chat.reply.locator(".seen-picture").filter(has=chat.page.get_by_role("img", name=picture))
        return frame.locator(".place-tag").all_text_contents()

    expect(boxes(chat)).to_have_count(3)
    assert (labels("receipt.png"), labels("chart.png")) == (["a", "c"], ["b"])
    # A question without a picture goes on about those before it; one with its own is about that one,
    # and InternVL's Image-1 is still the conversation's first.
    worker.will_say(f"<ref>d</ref>{box}")
    chat.ask_and_wait("And now?")
    assert labels("receipt.png") == ["d"]
    chat.add_image("shapes.png")
    worker.will_say(f"<ref>e</ref>{box}, in Image-1 <ref>f</ref>{box}, in image 1 <ref>g</ref>{box}")
    chat.ask_and_wait("And here?")
    expect(boxes(chat)).to_have_count(3)
    assert (labels("shapes.png"), labels("receipt.png")) == (["e", "g"], ["f"])


def test_without_a_picture_nothing_that_was_written_is_lost(chat, worker):
    worker.will_say(f'{CUP} and {{"bbox_2d": [1, 2, 3, 4], "label": "<b>x</b>"}}')
    chat.ask_and_wait()
    chat.expect_text("the cup [100, 250, 300, 500] and <b>x</b> [1, 2, 3, 4]")
    expect(chat.reply.get_by_role("figure")).to_be_hidden()


HOSTILE = [
    "<img src=x onerror=alert(1)>",
    '"><script>alert(1)</script>',
    "' onmouseover=alert(1) x='",
    "[click](javascript:alert(1))",
    "</span><iframe src=https://evil.example></iframe>",
    "$\\href{javascript:alert(1)}{x}$",
    "&lt;img src=x onerror=alert(1)&gt;",
    "\u202etxet",
    "x" * 300,
]


def test_labels_are_text_and_nothing_else(chat, worker):
    lines = [f"<ref>{words}</ref><box>[[1, 2, 300, 400]]</box>" for words in HOSTILE]
    lines += [json.dumps({"bbox_2d": [1, 2, 300, 400], "label": words}) for words in HOSTILE]
    lines += [
        '<span class="place" title="thousandths 1,2,300,400">forged</span>',
        "<ref>far</ref><box>[[1e999, 2, 3, 4]]</box>",
        '{"bbox_2d": [1e999, 2, 3, 4], "label": "x"}',
        '{"bbox_2d": ["1);alert(1", 2, 3, 4], "label": "x"}',
        f"<ref>many</ref><box>[{','.join(['[1,2,30,40]'] * 300)}]</box>",
    ]
    worker.will_say("\n\n".join(lines))
    chat.add_image("receipt.png")
    chat.ask_and_wait()
    buttons = chat.reply_text.locator("button.place")
    expect(buttons).to_have_count(2 * len(HOSTILE) + 1)
    assert buttons.all_text_contents()[: len(HOSTILE)] == HOSTILE
    forbidden = "img, script, iframe, a[href^='javascript'], [onmouseover], [onerror]"
    expect(chat.reply_text.locator(forbidden)).to_have_count(0)
    expect(chat.reply.locator(".seen :is(script, iframe, a[href^='javascript'], [onerror])")).to_have_count(0)
    chat.expect_no_sideways_scrolling()


@pytest.mark.parametrize("scheme", ["light", "dark", "forced"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_boxes_are_fit_for_everyone(open_page, worker, size, scheme):
    colours = {"forced_colors": "active"} if scheme == "forced" else {"color_scheme": scheme}
    chat = open_page(**(PHONE if size == "phone" else {}), **colours)
    names = ["the sign", "the sky", "a circle", "the square", "a triangle", "another circle", "the ground"]
    places = [
        f"- <ref>{name}</ref><box>[[{120 * index}, {120 * index}, {120 * index + 200}, {120 * index + 150}]]</box>"
        for index, name in enumerate(names)
    ]
    worker.will_say("I see:\n\n" + "\n".join(places))
    chat.add_image("shapes.png")
    chat.ask_and_wait("What is where?")
    expect(boxes(chat)).to_have_count(len(names))
    chat.page.mouse.move(0, 0)
    chat.expect_accessible()
    chat.expect_no_sideways_scrolling()
    if size == "phone":
        label(chat, "a triangle").tap()
    else:
        label(chat, "a triangle").hover()
    expect(boxes(chat, "5: a triangle")).to_have_class(re.compile("is-marked"))
    expect(boxes(chat, "5: a triangle")).to_be_in_viewport()
    chat.picture(f"grounding-{size}-{scheme}")
