"""What a vote may carry beside its value: reasons that hosts offer, a comment, and boxes on the images."""

import pytest
from django.urls import reverse
from django.utils import translation

from chat.conversations import opinions, snapshot
from feedback.models import Vote, VoteChange, VoteReason
from tests.feedback.stories import exchange, make_conversation, make_upload, make_visitor
from tests.feedback.test_vote_requests import error_of, vote


@pytest.fixture
def picture(visitor):
    return make_upload(visitor, width=640, height=480)


@pytest.fixture
def seen(visitor, picture):
    """A reply to a question with a picture."""
    return exchange(make_conversation(visitor), uploads=[picture])


def box(upload, x=10, y=20, width=30, height=40):
    return {"image": str(upload.pk), "x": x, "y": y, "width": width, "height": height}


def test_reasons_are_those_that_the_host_offers_for_that_vote(tab, reply):
    assert vote(tab, reply.pk, {"value": "down", "reasons": ["wrong", "wrong", "unsafe"]}).status_code == 200
    assert Vote.objects.get().reasons == ["wrong", "unsafe"]
    assert (
        error_of(vote(tab, reply.pk, {"value": "down", "reasons": ["brilliant"]}))["code"] == "reason_unknown"
    )
    VoteReason.objects.create(key="too_long", label="Too long", applies_to="both")
    for value in ("down", "up"):
        assert vote(tab, reply.pk, {"value": value, "reasons": ["too_long"]}).status_code == 200


def test_a_reason_that_was_switched_off_stays_on_the_votes_that_have_it(tab, reply):
    vote(tab, reply.pk, {"value": "down", "reasons": ["wrong"]})
    VoteReason.objects.filter(key="wrong").update(enabled=False)
    assert vote(tab, reply.pk, {"value": "down", "reasons": ["wrong"], "comment": "x"}).status_code == 200
    assert vote(tab, reply.pk, {"value": "up", "reasons": ["wrong"]}).status_code == 400
    vote(tab, reply.pk, {"value": "down"})
    assert vote(tab, reply.pk, {"value": "down", "reasons": ["wrong"]}).status_code == 400


def test_the_page_asks_for_the_reasons_in_its_language(tab):
    wrong = VoteReason.objects.get(key="wrong")
    wrong.labels.create(language="de", text="Falsch")
    VoteReason.objects.filter(key="unsafe").update(enabled=False)
    VoteReason.objects.filter(key="brilliant").update(position=-1)
    offered = tab.get(reverse("feedback:reasons")).json()["reasons"]
    assert offered[:2] == [
        {"key": "brilliant", "label": "Brilliant", "applies_to": "up"},
        {"key": "wrong", "label": "Wrong", "applies_to": "down"},
    ]
    assert "unsafe" not in {reason["key"] for reason in offered}
    with translation.override("de"):
        assert (wrong.words(), VoteReason.objects.get(key="brilliant").words()) == ("Falsch", "Brilliant")


def test_boxes_are_kept_and_shown_again_in_pixels_of_the_stored_image(tab, seen, picture, visitor):
    boxes = [box(picture), box(picture, 0, 0, 640, 480)]
    assert vote(tab, seen.pk, {"value": "down", "boxes": boxes}).json()["boxes"] == boxes
    assert Vote.objects.get().boxes == boxes
    told = snapshot(seen.conversation_id, visitor.key).messages[1]
    assert [(each.image, each.x, each.width) for each in told.boxes] == [
        (picture.pk, 10, 30),
        (picture.pk, 0, 640),
    ]
    assert opinions([seen.pk])[seen.pk].boxes == told.boxes


def test_boxes_may_be_on_any_image_that_led_to_the_reply_and_on_no_other(tab, seen, picture, visitor):
    later_picture = make_upload(visitor, width=100, height=100)
    later = exchange(seen.conversation, parent=seen, uploads=[later_picture])
    assert (
        vote(tab, later.pk, {"value": "up", "boxes": [box(picture), box(later_picture)]}).status_code == 200
    )
    foreign = make_upload(make_visitor(), width=640, height=480)
    other_branch = exchange(seen.conversation, uploads=[make_upload(visitor, width=640, height=480)])
    for upload in (later_picture, foreign, other_branch.parent.images.get().upload):
        error = error_of(vote(tab, seen.pk, {"value": "up", "boxes": [box(upload)]}))
        assert (error["code"], error["field"]) == ("box_image_unknown", "boxes")


@pytest.mark.parametrize(
    ("place", "code", "limit"),
    [
        ({"x": -1}, "box_outside", "640×480"),
        ({"y": -1}, "box_outside", "640×480"),
        ({"x": 611}, "box_outside", "640×480"),
        ({"y": 441}, "box_outside", "640×480"),
        ({"width": 2**70}, "box_outside", "640×480"),
        ({"width": 3}, "box_too_small", 4),
        ({"height": -5}, "box_too_small", 4),
        ({"x": 1.5}, "field_invalid", None),
        ({"x": "1"}, "field_invalid", None),
        ({"x": True}, "field_invalid", None),
        ({"image": "somewhere"}, "field_invalid", None),
    ],
)
def test_a_bad_box_is_refused_by_name(tab, seen, picture, place, code, limit):
    error = error_of(vote(tab, seen.pk, {"value": "up", "boxes": [{**box(picture), **place}]}))
    assert (error["code"], error["field"], error["limit"]) == (code, "boxes", limit)
    assert not Vote.objects.exists()


def test_ten_boxes_are_allowed_and_no_more(tab, seen, picture):
    boxes = [box(picture, x) for x in range(11)]
    assert vote(tab, seen.pk, {"value": "up", "boxes": boxes[:10]}).status_code == 200
    error = error_of(vote(tab, seen.pk, {"value": "up", "boxes": boxes}))
    assert (error["code"], error["limit"]) == ("too_many_boxes", 10)


def test_a_whole_image_of_few_pixels_can_be_boxed(tab, visitor):
    tiny = make_upload(visitor, width=2, height=1)
    reply = exchange(make_conversation(visitor), uploads=[tiny])
    assert vote(tab, reply.pk, {"value": "up", "boxes": [box(tiny, 0, 0, 2, 1)]}).status_code == 200
    assert vote(tab, reply.pk, {"value": "up", "boxes": [box(tiny, 0, 0, 1, 1)]}).status_code == 400


def test_adding_details_makes_no_history_but_what_would_be_lost_is_kept(tab, seen, picture):
    steps = [
        {"value": "down"},
        {"value": "down", "reasons": ["wrong"]},
        {"value": "down", "reasons": ["wrong", "unsafe"], "boxes": [box(picture)]},
        {"value": "down", "reasons": ["wrong", "unsafe"], "boxes": [box(picture)], "comment": "No."},
    ]
    for step in steps:
        vote(tab, seen.pk, step)
    assert not VoteChange.objects.exists()
    first = Vote.objects.get().created
    for lost in ({"comment": "Yes."}, {"boxes": []}, {"reasons": ["wrong"]}):
        vote(tab, seen.pk, {**steps[-1], **lost})
    assert Vote.objects.get().created == first
    kept = VoteChange.objects.order_by("pk").values_list("comment", "boxes", "reasons")
    whole = ("No.", [box(picture)], ["wrong", "unsafe"])
    assert list(kept) == [whole, ("Yes.", *whole[1:]), ("No.", [], whole[2])]
