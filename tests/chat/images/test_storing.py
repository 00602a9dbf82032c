"""One picture, one row, one file, for as long as somebody has it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import OperationalError, connection, transaction
from django.db.models import ProtectedError
from django.utils import timezone
from django.utils.translation import override
from PIL import Image as Picture

from chat.images.errors import REASONS, ImageRefused
from chat.images.store import clean_name, delete_upload, image_info, store_upload
from chat.models import ChatModel, Conversation, Image, Message, MessageImage, Role, Upload, Visitor
from chat.restrictions import Grounds, block_image, lift
from tests.chat.images.pictures import encoded, noisy, opened, patterned

PICTURE = encoded(patterned())
GROUNDS = Grounds(AnonymousUser(), "Gore")


def refusal(*arguments):
    with pytest.raises(ImageRefused) as caught:
        store_upload(*arguments)
    return caught.value


def together(*jobs):
    """Run jobs in threads that start at one moment; give their results or exceptions."""
    start = threading.Barrier(len(jobs))

    def run(job):
        start.wait()
        try:
            return job()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as threads:
        return list(threads.map(run, jobs))


def test_a_picture_is_kept_as_png_and_jpeg_with_its_thumbnail(visitor, media):
    upload = store_upload(visitor, "cat.jpg", encoded(patterned(), "JPEG"))
    image = Image.objects.get()
    assert upload.image == image
    assert (image.width, image.height, image.source_format, upload.name) == (60, 40, "JPEG", "cat.jpg")
    assert media.files() == sorted(image.file_names)
    assert f"{image.md5}-60x40" in image.file.name
    stored = (media.folder / image.file.name).read_bytes()
    assert len(stored) == image.bytes
    assert opened(stored).tobytes() == opened(encoded(patterned(), "JPEG")).tobytes()


def test_one_picture_in_two_formats_is_one_file(visitor, other, media):
    first = store_upload(visitor, "a.png", PICTURE)
    second = store_upload(other, "b.webp", encoded(patterned(), "WEBP", lossless=True))
    assert first != second
    assert first.image == second.image
    assert (first.name, second.name) == ("a.png", "b.webp")
    assert len(media.files()) == 3


def test_the_same_visitor_gets_the_same_upload(visitor):
    first = store_upload(visitor, "first.png", PICTURE)
    again = store_upload(visitor, "again.png", PICTURE)
    assert again == first
    assert again.name == "first.png"
    assert Upload.objects.count() == 1


def test_pictures_of_one_colour_and_of_different_shape_are_two(visitor, media):
    wide = store_upload(visitor, "", encoded(Picture.new("RGB", (20, 10), "red")))
    tall = store_upload(visitor, "", encoded(Picture.new("RGB", (10, 20), "red")))
    assert wide.image.md5 == tall.image.md5
    assert wide.image != tall.image
    assert len(media.files()) == 6


@pytest.mark.django_db(transaction=True)
def test_a_picture_that_comes_from_many_at_once_is_one_file(media):
    visitors = [Visitor.objects.create() for _ in range(4)]
    uploads = together(
        *(lambda visitor=visitor: store_upload(visitor, "", PICTURE) for visitor in visitors + visitors)
    )
    assert {upload.visitor_id for upload in uploads} == {visitor.key for visitor in visitors}
    assert Image.objects.count() == 1
    assert Upload.objects.count() == 4
    image = Image.objects.get()
    assert media.files() == sorted(image.file_names)


@pytest.mark.django_db(transaction=True)
def test_a_picture_that_comes_while_it_goes_is_whole(media):
    for _ in range(15):
        going, coming = Visitor.objects.create(), Visitor.objects.create()
        old = store_upload(going, "", PICTURE)
        _, new = together(
            lambda old=old: delete_upload(old), lambda coming=coming: store_upload(coming, "", PICTURE)
        )
        image = Image.objects.get()
        assert new.image_id == image.pk
        assert media.files() == sorted(image.file_names)
        delete_upload(Upload.objects.get())
        assert media.files() == []


@pytest.mark.django_db(transaction=True)
def test_a_visitor_deleted_in_the_meantime_leaves_no_file(media):
    visitor = Visitor.objects.create()
    Visitor.objects.all().delete()
    with pytest.raises(OperationalError):
        store_upload(visitor, "", PICTURE)
    assert media.files() == []
    assert not Image.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_it_refuses_to_run_inside_a_transaction_that_may_yet_fail(media):
    visitor = Visitor.objects.create()
    with pytest.raises(RuntimeError), transaction.atomic():
        store_upload(visitor, "", PICTURE)
    assert media.files() == []


def test_a_full_disk_refuses_and_leaves_nothing(visitor, media, use_storage):
    use_storage(media.folder, "tests.chat.images.storages.NearlyFullStorage")
    refused = refusal(visitor, "", encoded(noisy(200, 200)))
    assert (refused.code, refused.status) == ("storage_full", 507)
    assert media.files() == []
    assert not Image.objects.exists()


def test_a_media_folder_that_cannot_be_written_refuses(visitor, tmp_path, use_storage):
    (tmp_path / "file").write_text("in the way")
    use_storage(tmp_path / "file" / "media")
    assert refusal(visitor, "", PICTURE).code == "storage_unavailable"
    assert not Image.objects.exists()


def test_an_empty_file_is_refused(visitor):
    assert refusal(visitor, "", b"").code == "image_empty"


def test_a_file_over_the_limit_is_refused_and_one_at_it_is_not(visitor, settings):
    settings.MMCHAT_MAX_IMAGE_MEGABYTES = len(PICTURE) / 2**20
    assert store_upload(visitor, "", PICTURE)
    settings.MMCHAT_MAX_IMAGE_MEGABYTES = 0.001
    refused = refusal(visitor, "", bytes(2000))
    assert (refused.code, refused.limit) == ("image_too_large", 0.001)
    assert "0.001 MB" in refused.text


def test_the_site_s_limits_reach_the_decoder(visitor, settings):
    settings.MMCHAT_MAX_IMAGE_MEGAPIXELS = 0.0023
    assert refusal(visitor, "", PICTURE).code == "image_too_many_pixels"
    settings.MMCHAT_MAX_IMAGE_MEGAPIXELS, settings.MMCHAT_MAX_IMAGE_SIDE = 1, 59
    assert refusal(visitor, "", PICTURE).code == "image_side_too_long"


def test_a_blocked_picture_is_refused_in_any_format(visitor, other, media):
    block_image(store_upload(visitor, "", PICTURE).image, GROUNDS)
    assert refusal(other, "", encoded(patterned(), "WEBP", lossless=True)).code == "image_blocked"
    assert len(media.files()) == 3
    assert Upload.objects.count() == 1


def test_the_files_go_with_the_last_upload(visitor, other, media, django_capture_on_commit_callbacks):
    first, second = store_upload(visitor, "", PICTURE), store_upload(other, "", PICTURE)
    with django_capture_on_commit_callbacks(execute=True):
        delete_upload(first)
    assert len(media.files()) == 3
    with django_capture_on_commit_callbacks(execute=True):
        delete_upload(second)
    assert media.files() == []
    assert not Image.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_files_stay_when_the_deletion_is_taken_back(media):
    upload = store_upload(Visitor.objects.create(), "", PICTURE)
    with transaction.atomic():
        delete_upload(upload)
        transaction.set_rollback(True)
    assert Upload.objects.exists()
    assert len(media.files()) == 3


def test_a_blocked_picture_stays_known_when_it_is_gone(
    visitor, other, media, django_capture_on_commit_callbacks
):
    upload = store_upload(visitor, "", PICTURE)
    block = block_image(upload.image, GROUNDS)
    with django_capture_on_commit_callbacks(execute=True):
        delete_upload(upload)
    assert media.files() == []
    assert not Image.objects.exists()
    assert refusal(other, "", PICTURE).code == "image_blocked"
    lift(block, GROUNDS.creator)
    image = store_upload(other, "", PICTURE).image
    assert media.files() == sorted(image.file_names)


def test_an_upload_that_a_message_shows_is_not_deleted(visitor, media):
    upload = store_upload(visitor, "", PICTURE)
    model = ChatModel.objects.create(name="m")
    conversation = Conversation.objects.create(visitor=visitor, model=model, updated=timezone.now())
    message = Message.objects.create(conversation=conversation, position=0, role=Role.USER)
    MessageImage.objects.create(message=message, upload=upload, position=0)
    with pytest.raises(ProtectedError):
        delete_upload(upload)
    assert len(media.files()) == 3


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("holiday.jpg", "holiday.jpg"),
        ("圖 片.png", "圖 片.png"),
        ("a\r\nb\x00\x7fc", "abc"),
        ("\u202egnp.exe", "gnp.exe"),
        ("half \ud800 surrogate", "half  surrogate"),
        ("x" * 10_000, "x" * 200),
        ("  ", ""),
    ],
)
def test_a_name_is_made_fit_to_be_shown(name, shown):
    assert clean_name(name) == shown


def test_the_browser_is_told_where_the_picture_is(visitor):
    upload = store_upload(visitor, "cat.png", PICTURE)
    info = image_info(upload)
    assert (info.id, info.width, info.height, info.name) == (upload.pk, 60, 40, "cat.png")
    assert info.url == f"/images/{upload.pk}/"
    assert info.thumbnail == f"/images/{upload.pk}/thumbnail/"


def test_every_refusal_has_words_that_name_its_limit():
    for code, (status, _) in REASONS.items():
        with override("en"):
            refused = ImageRefused(code, "LIMIT")
        assert refused.status == status >= 400
        assert "%" not in refused.text
        assert ("LIMIT" in refused.text) == (code in LIMITED)


LIMITED = {"image_too_large", "image_too_many_pixels", "image_side_too_long", "image_format"}
