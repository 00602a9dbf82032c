"""More than three hundred hostile texts, in each place where what others wrote is shown: all of it stays text."""

import random

import pytest
from playwright.sync_api import expect

from tests.browser.hostile_texts import ALL, CLOSED, OPEN
from tests.browser.scripted_worker import Pause, ScriptedWorker
from tests.browser.test_admin import WCAG
from tests.running import wait_until

TITLES = [" ".join(text.split())[:120] for text in ALL]  # as they are stored when a visitor chooses them
SEED = """
from pathlib import Path
from django.core.files.base import ContentFile
from django.contrib.auth.models import User
from django.db import transaction
from PIL import Image as Pillow
from chat.images.pool import decoders
from chat.images.store import store_upload
from chat.models import SharedLink, Upload
from chat.visitors import cookie_for
from feedback.models import Flag, Vote
from tests.browser.hostile_texts import ALL
from tests.browser.test_hostile_texts import TITLES
from tests.chat.images.pictures import encoded
from tests.feedback.stories import exchange, make_conversation, make_model, make_visitor

visitor, model = make_visitor(), make_model("hostile")
uploads = []
for number, text in enumerate(ALL):
    picture = Pillow.new("RGB", (40, 30), (number % 256, number // 256, 7))
    uploads.append(store_upload(visitor, text, encoded(picture)))
decoders.close()
with transaction.atomic():
    for upload, text in list(zip(uploads, ALL))[::2]:
        Upload.objects.filter(pk=upload.pk).update(description=text[:300])
    for title in TITLES:
        exchange(make_conversation(visitor, model, title=title, language="en"))
    last = None
    everything = make_conversation(visitor, model, title=TITLES[0], language="en")
    for text, upload in zip(ALL, uploads, strict=True):
        last = exchange(everything, text, text, parent=last, uploads=[upload])
    link = SharedLink.objects.create(conversation=everything, last=last)
    reviewed = exchange(make_conversation(model=model, title="Reviewed", language="en"))
    for text in ALL:
        person = make_visitor()
        Flag.objects.create(visitor=person, message=reviewed, reason="harmful", comment=text)
        Vote.objects.create(visitor=person, message=reviewed, value="down", comment=text)
    User.objects.create_superuser("root", password="a long password")
print("SEEDED", cookie_for(visitor.key), everything.pk, link.key, reviewed.conversation_id)
"""

# Tells, as an error that fails the test, of each breach of a policy and of each element and address in a text that may
# not be there, at whatever moment: replies are looked at while they grow.
WATCH = """
const texts = "article .text, .question-text, .history-title, .history-excerpt, .said, .note, .typed, .place-tag";
const forbidden = "script, style, link, meta, base, iframe, frame, object, embed, form, input, textarea, select, " +
    "img, image, video, audio, source, picture, template, animate, set, use, foreignObject, maction, portal";
const addresses = "href src srcset action formaction xlink:href poster data ping background".split(" ");
document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sample }) =>
    console.error(`policy: ${violatedDirective} ${blockedURI} ${sample}`));
function lookAt(element) {
    const inText = element.closest(texts);
    const isIn = inText && inText !== element;
    if (isIn && element.matches(forbidden)) console.error(`hostile element: ${element.outerHTML}`);
    for (const { name, value } of element.attributes) {
        if (/^on/i.test(name)) console.error(`hostile attribute: ${element.outerHTML}`);
        if (!inText || !addresses.includes(name) || value.startsWith("#")) continue;
        const isOurs = location.pathname.startsWith("/admin/") && /^(\\?|\\/admin\\/)/.test(value);
        if (!isOurs && !/^(https?:|mailto:)/.test(value)) console.error(`hostile address: ${element.outerHTML}`);
    }
}
new MutationObserver((changes) => {
    for (const { target, addedNodes, type } of changes) {
        const roots = type === "attributes" ? [target] : [...addedNodes].filter((node) => node instanceof Element);
        for (const root of roots) for (const element of [root, ...root.querySelectorAll("*")]) lookAt(element);
    }
}).observe(document, { subtree: true, childList: true, attributes: true });
"""


@pytest.fixture(scope="module")
def hostile_site(start_site):
    """A site on which every hostile text was stored as a title, a file name, a question, a reply and a comment."""
    site = start_site(environment={"MMCHAT_LIMITS": "off"})
    done = site.manage("shell", "-v", "0", "-c", SEED)
    assert "SEEDED" in done.stdout, done.stderr
    site.cookie, site.conversation, site.link, site.reviewed = done.stdout.split()[-4:]
    return site


@pytest.fixture
def watched(new_context):
    """A browser's context in which every page is watched."""

    def watched(**options):
        context = new_context(**{"viewport": {"width": 1280, "height": 800}, "locale": "en", **options})
        context.add_init_script(WATCH)
        return context

    return watched


@pytest.fixture
def own(watched, open_page, hostile_site):
    """Open a page as the visitor whose conversations these are."""
    context = watched()
    context.add_cookies([{"name": "mmchat_visitor", "value": hostile_site.cookie, "url": hostile_site.url}])
    return lambda path: open_page(path, context, site=hostile_site)


def test_there_are_more_than_three_hundred_and_each_is_another_one():
    assert len(ALL) == len(set(ALL)) > 300


def replies():
    """Divide all into replies: what is only read at a reply's beginning first, what has no end last."""
    first = [text for text in CLOSED if text.startswith("<think>")]
    others = [text for text in CLOSED if text not in first]
    count = max(len(first), len(OPEN))
    for number in range(count):
        yield "\n\n".join(
            [*first[number::count], *others[number::count], "Still here.", *OPEN[number::count]]
        )


def test_a_reply_stays_text_while_it_streams(watched, open_page, hostile_site):
    worker = ScriptedWorker()
    worker.register(hostile_site.controller)
    hostile_site.wait_for_model(worker.models[0])
    chat = open_page(context=watched(), site=hostile_site)
    chat.add_image("receipt.png")
    draw = random.Random(300)
    said = 0
    for text in replies():
        pieces = []
        while text:
            size = draw.randint(1, 60)
            pieces += [text[:size], Pause(0.01)]
            text = text[size:]
        worker.will_say(*pieces)
        chat.ask_and_wait("Go on.")
        said += 1
        expect(chat.reply_text.locator("> p", has_text="Still here.")).to_have_count(1)
        if fold := chat.reply.locator("summary").all():
            fold[0].click()
    assert said >= len(OPEN)
    expect(chat.replies).to_have_count(said)
    expect(chat.page.locator(".place-tag", has_text="onerror=alert(1)").first).to_be_attached()
    for link in chat.reply_text.get_by_role("link").all()[:20]:
        link.hover()
    worker.close()


def scroll_until(is_there, drawer, place):
    """Scroll to `place` again and again: more comes each time, as fast as the machine can."""
    scroll = f"(drawer) => {{ drawer.scrollTo(0, {place}); }}"
    wait_until(lambda: is_there() or drawer.evaluate(scroll), 60, "what comes by scrolling")


def test_titles_in_the_history_are_text(own):
    chat = own("/")
    chat.button("History").click()
    titles = chat.page.locator(".history-title")
    drawer = chat.page.locator("#history")
    scroll_until(lambda: titles.count() > len(TITLES), drawer, "drawer.scrollHeight")
    assert sorted(titles.all_text_contents()) == sorted(title or "Untitled" for title in [*TITLES, TITLES[0]])
    chat.page.get_by_role("searchbox").fill("onerror")
    expect(drawer.locator("mark").first).to_be_visible()


def test_file_names_descriptions_questions_and_stored_replies_are_text(own, hostile_site):
    chat = own(f"/c/{hostile_site.conversation}/")
    expect(chat.replies.last).to_be_visible()
    scroll_until(lambda: chat.questions.count() > 100, chat.page.locator("#scroller"), "0")
    names = chat.questions.locator("img").evaluate_all("(images) => images.map(({ alt }) => alt)")
    assert len(set(names)) > 90
    assert any("onerror" in name for name in names)
    # Half of them are described; a description is shown as it is stored, with what a file name may not hold.
    assert {text[:300] for text in ALL[::2]} & set(names)
    chat.questions.locator("a").last.click()
    expect(chat.page.get_by_role("dialog").locator("[data-part=full]")).to_have_attribute("alt", names[-1])


def test_a_public_link_shows_text(watched, open_page, hostile_site):
    stranger = open_page(f"/s/{hostile_site.link}/", watched(), site=hostile_site)
    expect(stranger.page.locator("article.reply")).to_have_count(len(ALL))
    expect(stranger.page.locator(".text.is-read")).to_have_count(len(ALL))
    alts = stranger.page.locator(".question img").evaluate_all("(images) => images.map(({ alt }) => alt)")
    assert alts[::2] == [text[:300] or "Image 1" for text in ALL[::2]]
    assert stranger.page.locator(".question-text").all_text_contents() == ALL
    expect(stranger.page.locator(".place-tag").first).to_be_attached()


def test_a_saved_page_shows_text(own, watched, hostile_site, tmp_path):
    chat = own(f"/c/{hostile_site.conversation}/")
    expect(chat.replies.first).to_be_visible()
    chat.button("Share or save").click()
    with chat.page.expect_download(timeout=60_000) as download:
        chat.button("Save as a page").click()
    file = tmp_path / "conversation.html"
    download.value.save_as(file)
    page = watched().new_page()
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(dialog.message) or dialog.dismiss())
    page.on("request", lambda request: complaints.append(request.url))
    page.goto(file.as_uri())
    assert page.locator(".typed").all_text_contents() == [text.replace("\r\n", "\n") for text in ALL]
    expect(page.locator("article.assistant")).to_have_count(len(ALL))
    expect(page.locator("svg text", has_text="onerror=alert(1)").first).to_be_attached()
    assert [each for each in complaints if not each.startswith(("file:", "data:image/png"))] == []


def test_comments_in_the_administration_are_text(watched, open_page, hostile_site):
    staff = open_page("/admin/", watched(), site=hostile_site)
    staff.page.get_by_label("Username").fill("root")
    staff.page.get_by_label("Password").fill("a long password")
    staff.button("Log in").click()
    staff.visit("/admin/feedback/reviewitem/")
    item = staff.page.locator(".item:not([hidden])")
    assert sorted(item.locator(".complaints .said").all_text_contents()) == sorted(ALL)
    expect(item.locator(".note", has_text="alert(1)").first).to_be_attached()
    staff.expect_accessible(WCAG)
    for path in (
        f"/admin/chat/conversation/{hostile_site.reviewed}/change/",
        f"/admin/chat/conversation/{hostile_site.conversation}/change/",
        "/admin/chat/conversation/",
        "/admin/feedback/flag/",
        "/admin/feedback/vote/",
    ):
        staff.visit(path)
        expect(staff.page.locator("#content").get_by_text("alert(1)").first).to_be_attached()
