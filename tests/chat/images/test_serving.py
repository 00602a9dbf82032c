"""Pictures are shown to their visitor and to staff, and do not exist for anybody else."""

import uuid

import pytest
from django.contrib.auth.models import AnonymousUser, Permission, User
from django.test import Client

from chat.images.store import delete_upload, store_upload
from chat.models import Example
from chat.restrictions import Grounds, block_image
from tests.chat.images.pictures import encoded, opened, patterned


@pytest.fixture
def upload(visitor):
    return store_upload(visitor, "cat.jpg", encoded(patterned(), "JPEG"))


@pytest.fixture
def tab(visitor, browser_of):
    return browser_of(visitor)


def paths_of(upload_id):
    return [f"/images/{upload_id}/", f"/images/{upload_id}/thumbnail/"]


def staff(client, *permissions, **more):
    user = User.objects.create_user("ann", password="x", **{"is_staff": True, **more})
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user)
    return client


def test_its_visitor_gets_the_picture_and_its_thumbnail(tab, upload, media):
    picture, thumbnail = (tab.get(path) for path in paths_of(upload.pk))
    assert picture.content == (media.folder / upload.image.file.name).read_bytes()
    assert (picture["Content-Type"], opened(picture.content).format) == ("image/png", "PNG")
    assert (thumbnail["Content-Type"], opened(thumbnail.content).format) == ("image/webp", "WEBP")


def test_the_answer_is_private_and_safe_to_show(tab, upload):
    picture, thumbnail = (tab.get(path) for path in paths_of(upload.pk))
    for response, name in ((picture, "cat.png"), (thumbnail, "cat.webp")):
        assert response["Cache-Control"] == "private, max-age=31536000, immutable"
        assert "Cookie" in response["Vary"]
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Cross-Origin-Resource-Policy"] == "same-origin"
        assert response["Content-Disposition"] == f'inline; filename="{name}"'


@pytest.mark.parametrize("name", ['"; x="\r\nSet-Cookie: a=b', "圖片.png", "", "a/b\\c.png"])
def test_no_name_breaks_out_of_its_header(visitor, tab, name):
    upload = store_upload(visitor, name, encoded(patterned()))
    disposition = tab.get(paths_of(upload.pk)[0])["Content-Disposition"]
    assert disposition.startswith("inline; filename")
    assert "\n" not in disposition
    assert disposition.isascii()


def test_a_browser_that_has_it_is_told_so(tab, upload):
    for path in paths_of(upload.pk):
        etag = tab.get(path)["ETag"]
        again = tab.get(path, headers={"If-None-Match": etag})
        assert (again.status_code, again.content) == (304, b"")
        assert again["ETag"] == etag
        assert tab.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("method", ["get", "head"])
def test_somebody_else_gets_the_answer_of_an_image_that_does_not_exist(upload, other, browser_of, method):
    etag = f'"{upload.image.md5}-60x40"'
    for stranger in (browser_of(other), browser_of(), Client()):
        for theirs, nobodys in zip(paths_of(upload.pk), paths_of(uuid.uuid4()), strict=True):
            found, missing = (
                getattr(stranger, method)(path, headers={"If-None-Match": etag}) for path in (theirs, nobodys)
            )
            assert (found.status_code, missing.status_code) == (404, 404)
            assert found.content.replace(theirs.encode(), b"") == missing.content.replace(
                nobodys.encode(), b""
            )
            assert found.headers == missing.headers


def test_an_upload_of_the_same_picture_opens_no_other(upload, other, browser_of):
    own = store_upload(other, "", encoded(patterned(), "JPEG"))
    stranger = browser_of(other)
    assert stranger.get(paths_of(own.pk)[0]).status_code == 200
    assert stranger.get(paths_of(upload.pk)[0]).status_code == 404


def test_staff_who_may_view_images_get_it(upload):
    moderator = staff(Client(), "view_image")
    for path in paths_of(upload.pk):
        assert moderator.get(path).status_code == 200


@pytest.mark.parametrize(
    ("permissions", "more"),
    [
        ([], {}),
        (["view_upload"], {}),
        (["view_image"], {"is_staff": False}),
    ],
)
def test_other_people_with_accounts_do_not(upload, permissions, more):
    assert staff(Client(), *permissions, **more).get(paths_of(upload.pk)[0]).status_code == 404


def test_staff_who_left_do_not(upload):
    client = staff(Client(), "view_image")
    User.objects.update(is_active=False)
    assert client.get(paths_of(upload.pk)[0]).status_code == 404


def test_a_blocked_picture_is_shown_to_staff_only(tab, upload):
    block_image(upload.image, Grounds(AnonymousUser(), "Gore"))
    assert tab.get(paths_of(upload.pk)[0]).status_code == 404
    assert staff(Client(), "view_image").get(paths_of(upload.pk)[0]).status_code == 200


def test_a_deleted_picture_is_gone(tab, upload):
    paths = paths_of(upload.pk)
    delete_upload(upload)
    assert [tab.get(path).status_code for path in paths] == [404, 404]


def test_a_file_that_was_lost_is_not_found(tab, upload, media):
    (media.folder / upload.image.file.name).unlink()
    assert tab.get(paths_of(upload.pk)[0]).status_code == 404


def test_pictures_are_only_read(tab, upload):
    for path in paths_of(upload.pk):
        assert tab.post(path).status_code == tab.delete(path).status_code == 405


def example(media, name="examples/card.png", **fields):
    file = media.folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(encoded(patterned()))
    return Example.objects.create(question="What is this?", **fields).pictures.create(file=name)


def test_everybody_gets_the_picture_of_an_example(db, media):
    response = Client().get(f"/examples/{example(media).pk}/picture/")
    assert response.status_code == 200
    assert response["Content-Type"] == "image/png"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert opened(response.content).size == (60, 40)


def test_an_example_that_is_hidden_or_has_no_picture_is_not_found(db, media):
    hidden = example(media, enabled=False)
    bare = Example.objects.create(question="Hello?").pictures.create(shipped="examples/chart.png")
    for pk in (hidden.pk, bare.pk, 10**6):
        assert Client().get(f"/examples/{pk}/picture/").status_code == 404


def test_an_example_of_another_kind_of_file_is_not_shown(db, media):
    assert Client().get(f"/examples/{example(media, 'examples/card.svg').pk}/picture/").status_code == 404
