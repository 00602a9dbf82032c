"""Pictures as workers are sent them are shown to whom the pictures themselves are, and a lost one says so."""

import pytest
from django.contrib.auth.models import User

from chat.images.as_sent import address_of, size_as
from chat.images.preprocess import JPEG, sent_file
from chat.images.store import store_upload
from chat.inspection import Viewer, any_reply, inspect
from chat.models import MessageImage
from chat.restrictions import Grounds, block_image
from tests.chat.factories import make_conversation, make_model, make_turn
from tests.chat.images.pictures import encoded, opened, patterned

FORMS = ["Default", "Crop", "Pad", "Resize", JPEG]


@pytest.fixture
def upload(visitor):
    return store_upload(visitor, "cat.png", encoded(patterned(60, 40)))


@pytest.fixture
def reply(visitor, upload):
    model = make_model("llava-v1.6-7b")
    message, reply = make_turn(make_conversation(visitor, model, template="llava_v1"))
    MessageImage.objects.create(message=message, upload=upload, position=0)
    return reply


@pytest.mark.parametrize("form", FORMS)
def test_its_visitor_gets_each_form_byte_by_byte(browser_of, visitor, upload, form):
    answer = browser_of(visitor).get(address_of(upload, form))
    assert answer.content == sent_file(upload.image, form)
    assert opened(answer.content).size == size_as(upload.image, form)
    assert answer["Cache-Control"].startswith("private")


@pytest.mark.parametrize("form", FORMS)
def test_nobody_else_gets_any(browser_of, other, upload, form):
    assert browser_of(other).get(address_of(upload, form)).status_code == 404


def test_an_unknown_form_is_not_found(browser_of, visitor, upload):
    assert browser_of(visitor).get(f"/images/{upload.pk}/mirror/").status_code == 404


@pytest.mark.parametrize("form", FORMS)
def test_a_picture_whose_file_is_gone_is_a_404_and_is_told_in_its_place(
    browser_of, visitor, upload, reply, media, form
):
    for name in upload.image.file_names:
        (media.folder / name).unlink()
    assert browser_of(visitor).get(address_of(upload, form)).status_code == 404
    [picture] = inspect(any_reply(reply.pk), Viewer())["pictures"]
    assert picture["lost"] == "This image can't be read. A request that needs it fails."


def test_a_blocked_picture_is_shown_to_staff_alone(upload, reply):
    block_image(upload.image, Grounds(User.objects.create_user("moderator"), "no"))
    [own] = inspect(any_reply(reply.pk), Viewer())["pictures"]
    [theirs] = inspect(any_reply(reply.pk), Viewer(is_staff=True))["pictures"]
    assert (own["url"], own["problem"]) == ("", "This image is not shown any more.")
    assert (theirs["url"], theirs["problem"]) == (address_of(upload, "Default"), "")


def test_staff_who_may_not_view_images_get_no_address(reply):
    [picture] = inspect(any_reply(reply.pk), Viewer(is_staff=True, sees_pictures=False))["pictures"]
    assert (picture["url"], picture["problem"]) == ("", "You may not view images.")


def test_in_a_frame_the_address_opens_without_a_cookie(browser_of, other, reply):
    [picture] = inspect(any_reply(reply.pk), Viewer(needs_signature=True))["pictures"]
    assert browser_of(other).get(picture["url"]).status_code == 200
