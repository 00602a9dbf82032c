"""A visitor's public link: what strangers see behind it, and what takes it away."""

import json
import re
import threading
import uuid

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection
from django.test import Client
from django.urls import reverse

from chat import sharing
from chat.models import AuditEntry, Conversation, Message, MessageImage, SharedLink, SiteText
from chat.restrictions import Grounds, block_image, block_visitor, hide_reply, lift
from chat.sharing import revoke_by_staff
from chat.visitors import COOKIE, cookie_for
from tests.chat.factories import make_conversation, make_turn, make_visitor, set_limit
from tests.feedback.stories import make_upload

pytestmark = pytest.mark.django_db
SOMEBODY = AnonymousUser()


@pytest.fixture
def visitor():
    return make_visitor()


@pytest.fixture
def tab(visitor):
    client = Client()
    client.cookies[COOKIE] = cookie_for(visitor.key)
    return client


@pytest.fixture
def conversation(visitor):
    return make_conversation(visitor, title="A name of the visitor's own")


def ask(conversation, question, answer, parent=None, uploads=(), **fields):
    message, reply = make_turn(conversation, question, answer, parent, **fields)
    for place, upload in enumerate(uploads):
        MessageImage.objects.create(message=message, upload=upload, position=place)
    return reply


def share(tab, reply):
    return tab.post(
        reverse("chat:share", args=[reply.conversation_id]),
        {"message": str(reply.pk)},
        content_type="application/json",
    )


def shared(tab, reply):
    """Share as far as a reply, and give the link's path."""
    return re.sub(r"^http://testserver", "", share(tab, reply).json()["link"]["url"])


def seen(path):
    """What a stranger sees at the link: the page's text, or the status of its absence."""
    answer = Client().get(path)
    return answer.content.decode() if answer.status_code == 200 else answer.status_code


def test_a_stranger_reads_the_branch_up_to_the_reply_that_was_shared(tab, conversation):
    first = ask(conversation, "Is it a heron?", "It is a stork.")
    make_turn_variant(first, "It is a crane.")
    path = shared(tab, first)
    ask(conversation, "And this, later?", "Nobody's business.", first)
    page = seen(path)
    assert "Is it a heron?" in page
    assert "It is a stork." in page
    for other in ("It is a crane.", "And this, later?", "Nobody's business."):
        assert other not in page


def make_turn_variant(reply, text):
    return Message.objects.create(
        conversation=reply.conversation,
        parent=reply.parent,
        position=reply.position,
        role="assistant",
        variant=1,
        text=text,
    )


def test_sharing_again_keeps_the_address_and_shows_what_came_since(tab, conversation):
    first = ask(conversation, "One?", "One.")
    path = shared(tab, first)
    second = ask(conversation, "Two?", "Two.", first)
    assert shared(tab, second) == path
    assert "Two." in seen(path)
    assert SharedLink.objects.count() == 1


def test_a_link_that_was_taken_back_is_the_404_of_one_that_never_was(tab, conversation):
    reply = ask(conversation, "One?", "One.")
    path = shared(tab, reply)
    tab.post(reverse("chat:revoke_link", args=[conversation.pk]))
    gone, never = Client().get(path), Client().get(f"/s/{uuid.uuid4()}/")
    assert (gone.status_code, gone.content, gone.headers) == (404, never.content, never.headers)
    assert shared(tab, reply) != path
    assert seen(path) == 404


def test_the_page_tells_its_own_tab_how_far_its_link_shows(tab, conversation):
    reply = ask(conversation, "One?", "One.")
    address = reverse("chat:share", args=[conversation.pk])
    assert tab.get(address).json() == {"link": None}
    path = shared(tab, reply)
    told = tab.get(address).json()["link"]
    assert (told["url"], told["message"]) == (f"http://testserver{path}", str(reply.pk))


@pytest.mark.django_db(transaction=True)
def test_a_link_that_staff_take_back_while_it_is_shared_again_stays_taken_back(
    tab, conversation, monkeypatch
):
    reply = ask(conversation, "One?", "One.")
    path = shared(tab, reply)
    person = User.objects.create_superuser("staff")

    def take_back():
        revoke_by_staff(SharedLink.objects.all(), person)
        connection.close()

    staff = threading.Thread(target=take_back)
    turns_of = sharing._turns

    def turns_while_staff_look(link):
        staff.start()
        staff.join(1)  # it may have to wait
        return turns_of(link)

    monkeypatch.setattr(sharing, "_turns", turns_while_staff_look)
    share(tab, reply)
    monkeypatch.undo()
    staff.join()
    assert seen(path) == 404
    assert share(tab, reply).json()["error"]["code"] == "sharing_ended"


def test_previews_say_nothing_of_what_a_model_thought(tab, conversation):
    path = shared(tab, ask(conversation, "One?", "<think>Hm, hm.</think>\n\nOne it is."))
    assert '<meta property="og:description" content="One it is.">' in seen(path)


def test_previews_get_a_title_words_and_a_picture_and_search_engines_nothing(tab, conversation, visitor):
    SiteText.objects.update(title="The lab's models")
    upload = make_upload(visitor, name="Passport of Ann.jpg")
    reply = ask(conversation, 'What is "this"?', "**A <b>bird</b>**,\n\nin short.", uploads=[upload])
    path = shared(tab, reply)
    answer = Client().get(path)
    page = answer.content.decode()
    assert '<meta property="og:title" content="What is &quot;this&quot;?">' in page
    assert '<meta property="og:description" content="**A &lt;b&gt;bird&lt;/b&gt;**, in short.">' in page
    assert f'<meta property="og:image" content="http://testserver{path}preview/">' in page
    assert f'<meta property="og:url" content="http://testserver{path}">' in page
    assert '<meta name="robots" content="noindex, nofollow">' in page
    assert answer["X-Robots-Tag"] == "noindex, nofollow"
    preview = Client().get(f"{path}preview/")
    assert preview["Content-Type"] in ("image/jpeg", "image/webp")
    assert preview["Cross-Origin-Resource-Policy"] == "cross-origin"


def test_the_page_names_nobody_sets_no_cookie_and_opens_no_socket(tab, conversation, visitor):
    upload = make_upload(visitor, name="Passport of Ann.jpg")
    reply = ask(conversation, "Who?", "Nobody.", uploads=[upload])
    answer = Client().get(shared(tab, reply))
    page = answer.content.decode()
    ids = (visitor.key, conversation.pk, reply.pk, reply.parent_id, upload.pk)
    assert [each for each in ids if str(each) in page] == []
    for words in ("Passport of Ann", "A name of the visitor's own", "/ws/", "bootstrap", "js/page"):
        assert words not in page
    assert not answer.cookies
    assert "no-store" in answer["Cache-Control"]
    policy = answer["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy


def pictures_of(path):
    return [f"{path}images/1/", f"{path}images/1/thumbnail/", f"{path}preview/"]


def test_pictures_are_seen_through_the_link_and_only_while_it_stands(tab, conversation, visitor):
    upload = make_upload(visitor)
    reply = ask(conversation, "What?", "A square.", uploads=[upload])
    path = shared(tab, reply)
    for address in pictures_of(path):
        answer = Client().get(address)
        assert answer.status_code == 200
        assert answer["Cache-Control"] == "no-cache, private"
        assert Client().get(address, headers={"If-None-Match": answer["ETag"]}).status_code == 304
    assert Client().get(f"{path}images/2/").status_code == 404
    assert Client().get(reverse("chat:image", args=[upload.pk])).status_code == 404
    tab.post(reverse("chat:revoke_link", args=[conversation.pk]))
    etag = answer["ETag"]
    for address in pictures_of(path):
        assert Client().get(address, headers={"If-None-Match": etag}).status_code == 404


def test_pictures_of_later_turns_are_not_seen(tab, conversation, visitor):
    first = ask(conversation, "What?", "A square.")
    path = shared(tab, first)
    ask(conversation, "And now?", "A circle.", first, uploads=[make_upload(visitor)])
    assert [Client().get(address).status_code for address in pictures_of(path)] == [404, 404, 404]


def test_a_blocked_picture_is_gone_and_comes_back_with_the_block_lifted(tab, conversation, visitor):
    upload, other = make_upload(visitor), make_upload(visitor)
    reply = ask(conversation, "What?", "A square.", uploads=[upload, other])
    path = shared(tab, reply)
    block = block_image(upload.image, Grounds(SOMEBODY, "Gore"))
    assert "This image is not shown." in seen(path)
    assert Client().get(f"{path}images/1/").status_code == 404
    assert Client().get(f"{path}images/2/").status_code == 200
    lift(block, User.objects.create_user("ann"))
    assert Client().get(f"{path}images/1/").status_code == 200


def test_a_hidden_reply_ends_what_is_shown(tab, conversation, visitor):
    first = ask(conversation, "One?", "Rude words.")
    second = ask(conversation, "Two?", "Rude words, again.", first, uploads=[make_upload(visitor)])
    path = shared(tab, second)
    hiding = hide_reply(first, Grounds(SOMEBODY, "Rude"))
    page = seen(path)
    assert "A moderator has hidden this reply and what followed it." in page
    assert "Rude words" not in page
    assert "Two?" not in page
    assert Client().get(f"{path}images/1/").status_code == 404
    lift(hiding, User.objects.create_user("ann"))
    assert "Rude words, again." in seen(path)


def test_a_reply_that_goes_on_from_a_hidden_one_is_hidden_too(tab, conversation):
    first = ask(conversation, "One?", "Rude", state="stopped")
    longer = make_turn_variant(first, "Rude words.")
    Message.objects.filter(pk=longer.pk).update(continues=first)
    path = shared(tab, longer)
    hide_reply(first, Grounds(SOMEBODY, "Rude"))
    assert "Rude" not in seen(path)


@pytest.mark.parametrize("code", ["moderation_flagged", "message_held", "reply_refused", "reply_held"])
def test_what_a_content_check_keeps_back_is_not_shown(tab, conversation, code):
    refused = ask(conversation, "Something vile", "", state="failed", error_code=code)
    assert share(tab, refused).json()["error"]["code"] == "nothing_to_share"
    last = ask(conversation, "Sorry. A cat?", "A cat.", refused)
    page = seen(shared(tab, last))
    assert "Something vile" not in page
    assert "A cat." in page


def test_a_reply_that_broke_off_says_so(tab, conversation):
    stopped = ask(conversation, "One?", "It is", state="stopped")
    assert "This reply was stopped." in seen(shared(tab, stopped))


@pytest.mark.parametrize("how", ["conversation", "everything", "blocked", "removed"])
def test_the_link_goes_with_its_conversation_and_its_visitor(tab, conversation, visitor, how):
    reply = ask(conversation, "One?", "One.", uploads=[make_upload(visitor)])
    path = shared(tab, reply)
    assert Client().get(f"{path}preview/").status_code == 200
    if how == "conversation":
        tab.post(reverse("chat:delete_conversation", args=[conversation.pk]))
    elif how == "everything":
        tab.post(reverse("chat:delete_everything"))
    elif how == "blocked":
        block_visitor(visitor, Grounds(SOMEBODY, "Spam"))
    else:
        Conversation.objects.all().delete()
        assert not SharedLink.objects.exists()
    assert seen(path) == 404
    assert [Client().get(address).status_code for address in pictures_of(path)] == [404, 404, 404]


def test_staff_take_a_link_back_for_good_and_the_audit_log_says_who(tab, conversation):
    reply = ask(conversation, "One?", "One.")
    path = shared(tab, reply)
    person = User.objects.create_user("ann")
    assert revoke_by_staff(SharedLink.objects.all(), person) == 1
    assert revoke_by_staff(SharedLink.objects.all(), person) == 0
    assert seen(path) == 404
    assert share(tab, reply).json()["error"]["code"] == "sharing_ended"
    entry = AuditEntry.objects.get(action="revoke_link")
    assert (entry.actor, entry.detail) == (person, {"conversation": str(conversation.pk)})


def test_what_can_not_be_shared_is_refused_by_name(tab, conversation, visitor):
    running = ask(conversation, "One?", "It", state="streaming")
    foreign = ask(make_conversation(), "Theirs?", "Theirs.")
    assert share(tab, running).json()["error"]["code"] == "reply_running"
    assert share(tab, foreign).status_code == 404
    address = reverse("chat:share", args=[conversation.pk])
    for message in (running.parent_id, foreign.pk, uuid.uuid4()):
        answer = tab.post(address, {"message": str(message)}, content_type="application/json")
        assert (answer.status_code, answer.json()["error"]["field"]) == (404, "message")
    for body, field in (("{}", "message"), ('{"message": 1}', "message"), ("[", None)):
        answer = tab.post(address, body, content_type="application/json")
        assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)
    block_visitor(visitor, Grounds(SOMEBODY, "Spam"))
    assert share(tab, running).json()["error"]["code"] == "visitor_blocked"


def test_links_are_made_only_so_often(tab, conversation):
    set_limit("links", 2)
    reply = ask(conversation, "One?", "One.")
    assert [share(tab, reply).status_code for _ in range(3)] == [200, 200, 429]
    tab.post(reverse("chat:revoke_link", args=[conversation.pk]))
    assert not SharedLink.objects.standing().exists()


def test_links_need_the_token_against_forgery(visitor, conversation):
    reply = ask(conversation, "One?", "One.")
    client = Client(enforce_csrf_checks=True)
    client.cookies[COOKIE] = cookie_for(visitor.key)
    assert share(client, reply).status_code == 403
    assert client.post(reverse("chat:revoke_link", args=[conversation.pk])).status_code == 403
    assert not SharedLink.objects.exists()


def test_a_conversation_is_taken_away_as_data_with_all_its_variants(tab, conversation, visitor):
    upload = make_upload(visitor, name="square.png")
    first = ask(conversation, "One?", "One.", uploads=[upload])
    other = make_turn_variant(first, "Another one.")
    last = ask(conversation, "Two?", "Two.", first)
    address = reverse("chat:download", args=[conversation.pk])
    data = json.loads(tab.get(address, {"message": str(last.pk)}).content)
    assert data["format"] == "mmchat conversation 1"
    assert data["title"] == conversation.title
    assert {each["text"]: each["shown"] for each in data["messages"]} == {
        "One?": True, "One.": True, "Another one.": False, "Two?": True, "Two.": True,
    }  # fmt: skip
    assert data["messages"][0]["images"] == [
        {
            "id": str(upload.pk),
            "name": "square.png",
            "description": "",
            "width": upload.image.width,
            "height": upload.image.height,
            "md5": upload.image.md5,
            "url": reverse("chat:image", args=[upload.pk]),
        }
    ]
    branch = json.loads(tab.get(address, {"message": str(other.pk)}).content)
    assert [each["text"] for each in branch["messages"] if each["shown"]] == ["One?", "Another one."]
