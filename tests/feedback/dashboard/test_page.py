"""The dashboard on the administration's first page: who sees it, what it says, and that nobody can write into it."""

import re
from html import unescape
from xml.etree import ElementTree

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import escape

from chat.models import Conversation
from feedback.dashboard.hours import close_hours
from feedback.flags import flag
from feedback.models import Flag
from feedback.votes import set_vote
from tests.chat.admin.conftest import browser_of, staff
from tests.chat.admin.pages import Elements
from tests.feedback.dashboard.conftest import NOW, at, replied

pytestmark = pytest.mark.django_db
__all__ = ["staff"]
PAYLOAD = """</text></svg><script>alert(1)</script>&lt;"'{{ 7|add:7 }}"""
TITLES = [
    "Conversations", "Replies", "Open flags", "Upvotes among votes", "Time to first token", "Tokens a second",
    "Characters a second", "Errors by cause",
]  # fmt: skip


@pytest.fixture
def busy(clock):
    """A site on which something of everything happened."""
    for model in ("one", PAYLOAD):
        replied(at(8, 1), model=model, state="failed", error_code="worker_silent", first=None)
        replied(at(9, 1), model=model, output_tokens=30)
        reply = replied(at(12, 1), model=model)
        set_vote(reply.conversation.visitor_id, reply.pk, "up")
        flag(reply.conversation.visitor_id, reply.pk, "other")
    Flag.objects.update(created=NOW)


def first_page(user, **asked):
    response = browser_of(user).get(reverse("admin:index"), asked)
    assert response.status_code == 200
    return response.content.decode()


def titles(page):
    return re.findall(r'<h3 id="[a-z-]+-heading">(.*?)</h3>', page)


def plots(page):
    """Give the plots by name, each read by a parser that forgives nothing."""
    found = re.findall(r"<svg viewBox=.*?</svg>", page, re.DOTALL)
    read = [ElementTree.fromstring(each) for each in found]
    return {each.get("aria-labelledby").split("-title")[0]: each for each in read}


def texts(element):
    return [each.text for each in element.iter("text")]


def cells(page, name):
    card = re.search(rf'aria-labelledby="{name}-heading">.*?</article>', page, re.DOTALL)[0]
    body = re.search(r"<tbody>.*</tbody>", card, re.DOTALL)[0]
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall(r"<tr>.*?</tr>", body)]


@pytest.fixture
def boss(db):
    return User.objects.create_superuser("boss")


def test_every_plot_is_there_with_words_for_those_who_do_not_see_it(boss, busy):
    page = first_page(boss)
    assert titles(page) == TITLES
    for name, plot in plots(page).items():
        assert plot.get("role") == "img"
        ids = [each.get("id") for each in plot if each.tag in ("title", "desc")]
        assert plot.get("aria-labelledby").split() == ids == [f"{name}-title", f"{name}-desc"]
        assert all(each.text for each in plot if each.tag in ("title", "desc"))
        assert cells(page, name)
    assert len(plots(page)) == len(TITLES)
    assert Elements(page).breaches() == []


def test_the_list_of_open_flags_has_those_that_are_counted(boss, busy):
    page = first_page(boss)
    counted = int(cells(page, "flags")[0][1])
    deleted = Flag.objects.awaiting_review().first().message.conversation
    Conversation.objects.filter(pk=deleted.pk).update(deleted=NOW)
    page = first_page(boss)
    left = sum(int(row[1]) for row in cells(page, "flags"))
    link = unescape(re.search(r'href="([^"]*feedback/flag/[^"]*)"', page)[1])
    listed = browser_of(boss).get(link).context["cl"].queryset
    assert 0 < left == listed.count() < counted
    assert deleted.pk not in {flag.message.conversation_id for flag in listed}


def test_the_tables_have_the_numbers(boss, busy):
    page = first_page(boss, period="24h")
    assert cells(page, "conversations")[-1] == ["26 Nov, 12:00", "2"]
    assert cells(page, "replies")[-4:] == [
        ["26 Nov, 09:00", "2", "0", "0", "0"],
        ["26 Nov, 10:00", "0", "0", "0", "0"],
        ["26 Nov, 11:00", "0", "0", "0", "0"],
        ["26 Nov, 12:00", "2", "0", "0", "0"],
    ]
    assert cells(page, "flags")[0] == ["less than an hour", "2"]
    assert cells(page, "votes")[1] == ["one", "1", "0", "100.0 % (20.7 % to 100.0 %)"]
    assert cells(page, "tokens")[1] == ["one", "15.0"]
    assert cells(page, "characters")[1] == ["one", "50.0"]
    assert cells(page, "errors") == [["worker_silent", "2 · 100.0 %"]]
    assert cells(page, "first-tokens")[1] == ["one", "1.00 s", "1.00 s", "2"]
    assert "6 ended; 66.7 % of them were complete." in page


def test_names_of_models_are_text_and_nothing_else(boss, busy):
    page = first_page(boss)
    assert "<script>alert" not in page
    assert "14" not in [text for plot in plots(page).values() for text in texts(plot)]
    for name in ("votes", "first-tokens", "tokens", "characters"):
        assert any(text.startswith("</text></svg>") for text in texts(plots(page)[name])), name
        assert cells(page, name)[0][0] == escape(PAYLOAD)


def test_long_names_are_shortened_in_the_plot_and_whole_in_its_table(boss, clock):
    replied(at(9, 1), model="m" * 200)
    page = first_page(boss)
    assert texts(plots(page)["characters"])[0].endswith("…")
    assert cells(page, "characters")[0][0] == "m" * 200


def test_shapes_lie_in_their_plot_in_a_language_with_decimal_commas(boss, busy, settings):
    settings.LANGUAGES = [("de", "Deutsch")]
    settings.LANGUAGE_CODE = "de"
    page = first_page(boss)
    assert "15,0" in page
    for name, plot in plots(page).items():
        left, top, width, height = map(float, plot.get("viewBox").split())
        rectangles = list(plot.iter("rect"))
        assert rectangles, name
        for shape in rectangles:
            x, y, wide, high = (float(shape.get(side)) for side in ("x", "y", "width", "height"))
            assert left <= x <= x + wide <= left + width, name
            assert top <= y <= y + high <= top + height, name
            assert wide > 0 < high


def test_the_period_is_chosen_in_the_address(boss, busy):
    def chosen(page):
        links = [
            attributes
            for tag, attributes in Elements(page).tags
            if tag == "a" and "aria-current" in attributes
        ]
        return [link["href"] for link in links]

    assert chosen(first_page(boss)) == ["?period=7d"]
    for name, number in (("24h", 24), ("7d", 7), ("30d", 30), ("90d", 90)):
        page = first_page(boss, period=name)
        assert chosen(page) == [f"?period={name}"]
        assert len(cells(page, "replies")) == number


def test_a_period_that_there_is_not_is_named_and_the_usual_one_shown(boss, busy):
    page = first_page(boss, period="<b>1y</b>")
    assert "There is no period “&lt;b&gt;1y&lt;/b&gt;”, so 7 days are shown." in page
    assert len(cells(page, "replies")) == 7


def test_only_the_first_page_has_it(boss, busy):
    page = browser_of(boss).get(reverse("admin:app_list", args=["chat"])).content.decode()
    assert "Conversations" in page
    assert titles(page) == []


def test_errors_and_flags_lead_to_their_lists(boss, busy):
    client = browser_of(boss)
    page = first_page(boss)
    for words, number in (("Replies with errors", 2), ("List of open flags", 2)):
        address = re.search(rf'<a href="([^"]+)">{words}</a>', page)[1]
        shown = client.get(unescape(address))
        assert len(shown.context["cl"].result_list) == number


def test_a_new_site_says_that_there_is_nothing_yet(boss, clock):
    page = first_page(boss)
    assert "Numbers appear here with the first conversation." in page
    assert plots(page) == {}
    assert titles(page) == []


def test_a_quiet_period_says_so_for_each_plot(boss, busy):
    Flag.objects.update(state="dismissed")
    page = first_page(boss)
    assert "No flag waits for a decision." in page
    assert "flags" not in plots(page)
    assert titles(page) == TITLES


@pytest.mark.parametrize("role", ["moderator", "analyst", "administrator"])
def test_every_role_sees_it(busy, role):
    user = User.objects.create_user(role, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    assert titles(first_page(user)) == TITLES


def test_staff_see_only_plots_of_what_they_may_view(staff, busy):
    assert titles(first_page(staff())) == []
    plain = first_page(staff("chat.view_example"))
    assert "What the site did" not in plain
    assert "Examples" in plain
    assert titles(first_page(staff("feedback.view_flag"))) == ["Open flags"]
    assert titles(first_page(staff("chat.view_conversation", "feedback.view_vote"))) == [
        "Conversations",
        "Upvotes among votes",
    ]


def test_who_may_see_nothing_costs_no_query(staff, busy):
    def counted(user):
        client = browser_of(user)
        client.get(reverse("admin:index"))
        with CaptureQueriesContext(connection) as captured:
            client.get(reverse("admin:index"))
        return [query["sql"] for query in captured if "feedback_" in query["sql"] or "chat_" in query["sql"]]

    assert counted(staff("chat.view_example")) == []
    assert len(counted(staff("feedback.view_flag"))) <= 5


def test_the_page_takes_as_many_queries_for_much_as_for_little(boss, busy):
    client = browser_of(boss)

    def queries():
        with CaptureQueriesContext(connection) as captured:
            client.get(reverse("admin:index"), {"period": "90d"})
        return len(captured)

    queries()
    few = queries()
    for hour in range(12):
        reply = replied(at(hour, 5), model=f"model {hour}")
        set_vote(reply.conversation.visitor_id, reply.pk, "down")
    close_hours()
    assert queries() == few
