"""POST /uploads/: a picture comes in over HTTP, or the visitor learns why not."""

import contextlib
import io

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.middleware.csrf import _get_new_csrf_string
from django.test import Client

from chat.models import Image, Upload, Visitor
from chat.restrictions import Grounds, block_image
from chat.visitors import COOKIE
from tests.chat.images.pictures import encoded, form_with, patterned

URL = "/uploads/"
PICTURE = encoded(patterned())


@pytest.fixture
def tab(visitor, browser_of):
    return browser_of(visitor)


def send(client, data=PICTURE, name="cat.png", **more):
    return client.post(URL, {"image": SimpleUploadedFile(name, data)}, **more)


def error_of(response, status):
    assert response.status_code == status, response.content
    error = response.json()["error"]
    assert set(error) == {"code", "text", "field", "limit"}
    assert error["text"]
    return error


def test_a_picture_is_taken_and_described(tab, visitor):
    response = send(tab)
    assert response.status_code == 201
    upload = Upload.objects.get()
    assert upload.visitor == visitor
    assert response.json() == {
        "id": str(upload.pk),
        "url": f"/images/{upload.pk}/",
        "thumbnail": f"/images/{upload.pk}/thumbnail/",
        "width": 60,
        "height": 40,
        "name": "cat.png",
        "description": "",
    }
    assert tab.get(response.json()["url"]).status_code == 200


@contextlib.contextmanager
def locked_database():
    """Hold what an upload writes to from another connection, and make this one wait for a moment only."""
    lock, impatience, patience = {
        "sqlite": ("BEGIN IMMEDIATE", "PRAGMA busy_timeout = 50", "PRAGMA busy_timeout = 20000"),
        "postgresql": ("BEGIN; LOCK TABLE chat_upload", "SET lock_timeout = 50", "SET lock_timeout = 0"),
    }[connection.vendor]
    elsewhere = connection.copy()
    try:
        elsewhere.cursor().execute(lock)
        connection.cursor().execute(impatience)
        yield
    finally:
        connection.cursor().execute(patience)
        elsewhere.close()


@pytest.mark.django_db(transaction=True)
def test_a_database_that_stays_locked_refuses_the_picture_and_keeps_nothing(browser_of, media):
    tab = browser_of(Visitor.objects.create())
    with locked_database():
        assert error_of(send(tab), 503)["code"] == "storage_unavailable"
        assert media.files() == []
    assert send(tab).status_code == 201


def test_the_first_picture_makes_the_visitor(db, browser_of):
    assert send(browser_of()).status_code == 201
    assert Upload.objects.get().visitor == Visitor.objects.get()


def test_without_the_cookie_nothing_is_taken(db):
    assert error_of(send(Client()), 403)["code"] == "no_visitor"
    forged = Client()
    forged.cookies[COOKIE] = "4f0f7e8e-1a5c-4a62-a3f3-0f3e3e0a5c11:forged"
    assert error_of(send(forged), 403)["code"] == "no_visitor"
    assert not Visitor.objects.exists()


def test_a_blocked_visitor_is_refused(tab, visitor):
    visitor.blocks.create(reason="Spam")
    assert error_of(send(tab), 403)["code"] == "visitor_blocked"
    assert not Upload.objects.exists()


def test_csrf_is_checked(visitor, browser_of):
    client = browser_of(visitor, enforce_csrf_checks=True)
    assert send(client).status_code == 403
    assert not Upload.objects.exists()
    token = _get_new_csrf_string()
    client.cookies["csrftoken"] = token
    assert send(client, headers={"X-CSRFToken": token}).status_code == 201


def test_only_post_is_allowed(tab):
    assert tab.get(URL).status_code == 405


def test_a_form_without_a_picture_says_so(tab):
    for form in ({}, {"image": "words"}, {"other": SimpleUploadedFile("cat.png", PICTURE)}):
        error = error_of(tab.post(URL, form), 400)
        assert (error["code"], error["field"]) == ("image_missing", "image")
    assert error_of(tab.post(URL, PICTURE, content_type="image/png"), 400)["code"] == "image_missing"


def test_an_empty_file_says_so(tab):
    assert error_of(send(tab, b""), 400)["code"] == "image_empty"


def test_a_text_named_png_says_which_formats_work(tab):
    error = error_of(send(tab, b"not a picture", "picture.png"), 415)
    assert (error["code"], error["limit"]) == ("image_format", "PNG, JPEG, WebP, GIF")


class Untouched(io.RawIOBase):
    """A body that must not be read."""

    def read(self, *_):
        raise AssertionError("the body was read")


def test_a_body_that_says_it_is_too_large_is_not_read(tab):
    request = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": URL,
        "CONTENT_TYPE": "multipart/form-data; boundary=x",
        "CONTENT_LENGTH": str(100 * 2**20),
        "wsgi.input": Untouched(),
    }
    error = error_of(tab.request(**request), 413)
    assert (error["code"], error["limit"]) == ("image_too_large", 10)


def test_a_file_over_the_limit_is_refused_and_not_kept(tab, settings):
    settings.MMCHAT_MAX_IMAGE_MEGABYTES = 1
    error = error_of(send(tab, PICTURE + bytes(2**20)), 413)
    assert (error["code"], error["limit"]) == ("image_too_large", 1)
    assert not Image.objects.exists()


def test_a_second_file_in_the_form_is_not_read(tab):
    form = {"image": [SimpleUploadedFile("1.png", PICTURE), SimpleUploadedFile("2.png", b"nonsense")]}
    assert tab.post(URL, form).status_code == 201
    assert Upload.objects.get().name == "1.png"


def test_a_long_file_name_is_cut(tab):
    answer = tab.post(URL, **form_with("图" * 255 + ".png", PICTURE))
    assert answer.json()["name"] == "图" * 200


def test_a_file_name_of_10_kilobytes_is_refused_by_name(tab):
    answer = tab.post(URL, **form_with("x" * 10_240 + ".png", PICTURE))
    assert error_of(answer, 400)["code"] == "bad_form"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"no boundary"),
        ("multipart/form-data; boundary=" + "x" * 300, b""),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=image\r\n"),
    ],
)
def test_a_broken_form_is_an_error_with_a_name(tab, content_type, body):
    response = tab.generic("POST", URL, body, content_type=content_type)
    assert error_of(response, 400)["code"] in ("bad_form", "image_missing")


def test_too_much_beside_the_file_is_refused(tab):
    form = {"words": "x" * 100_000, "image": SimpleUploadedFile("cat.png", PICTURE)}
    assert error_of(tab.post(URL, form), 400)["code"] == "bad_form"


def test_a_path_in_the_name_is_dropped(tab):
    assert tab.post(URL, **form_with("../../etc/passwd.png", PICTURE)).json()["name"] == "passwd.png"


def test_a_blocked_picture_is_refused(tab, other, browser_of):
    send(tab)
    block_image(Image.objects.get(), Grounds(AnonymousUser(), "Gore"))
    assert error_of(send(browser_of(other)), 403)["code"] == "image_blocked"
