"""Blocked pictures and what looks like them, until their block ends."""

import datetime
from contextlib import suppress

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from PIL import Image as Picture

from chat.images.blocks import NEAR, distance, has_looks, is_blocked
from chat.images.decode import difference_hash
from chat.images.errors import ImageRefused
from chat.images.store import store_under_name, store_upload
from chat.kept import Kept
from chat.models import BlockedImage, Image
from chat.restrictions import Grounds, block_image, lift
from tests.chat.images.pictures import encoded, noisy, patterned

pytestmark = pytest.mark.django_db
SCENE = noisy(12, 9).resize((240, 180), Picture.Resampling.BICUBIC)


def grounds(until=None):
    return Grounds(AnonymousUser(), "Gore", until)


def taken(visitor, picture, *how, **options):
    with suppress(ImageRefused):
        store_upload(visitor, "", encoded(picture, *how, **options))
        return True
    return False


def test_copies_that_were_scaled_or_saved_again_are_blocked_and_other_pictures_are_not(visitor, other):
    block_image(store_upload(visitor, "", encoded(SCENE)).image, grounds())
    assert not taken(other, SCENE)
    assert not taken(other, SCENE, "JPEG", quality=40)
    assert not taken(other, SCENE, "WEBP", quality=40)
    assert not taken(other, SCENE.resize((120, 90)))
    assert not taken(other, SCENE.resize((480, 360)), "JPEG")
    assert taken(other, noisy(12, 9, seed=2).resize((240, 180), Picture.Resampling.BICUBIC))
    assert taken(other, SCENE.transpose(Picture.Transpose.ROTATE_90))


def test_a_distance_is_counted_in_bits_also_of_negative_hashes():
    assert distance(-1, 0) == 64
    assert distance(-(2**63), 0) == 1
    assert distance(0b1011, 0b0001) == 2


@pytest.mark.parametrize(("bits", "blocked"), [(NEAR, True), (NEAR + 1, False)])
def test_looks_are_the_same_up_to_a_number_of_bits(visitor, bits, blocked):
    image = store_upload(visitor, "", encoded(SCENE)).image
    block_image(image, grounds())
    near = Image(md5="0" * 32, width=1, height=1, difference_hash=image.difference_hash ^ (2**bits - 1))
    assert is_blocked(near) == blocked


def test_blocking_a_picture_of_one_colour_blocks_no_other_one(visitor, other):
    white = Picture.new("RGB", (50, 40), "white")
    assert not has_looks(difference_hash(white))
    block_image(store_upload(visitor, "", encoded(white)).image, grounds())
    assert not taken(other, white)
    assert taken(other, Picture.new("RGB", (50, 40), "black"))
    assert taken(other, Picture.new("RGB", (51, 40), "white"))


def test_a_block_ends_by_the_clock_alone_and_by_being_lifted(visitor, other):
    image = store_upload(visitor, "", encoded(patterned())).image
    soon = timezone.now() + datetime.timedelta(hours=1)
    block = block_image(image, grounds(soon))
    assert not taken(other, patterned())
    BlockedImage.objects.update(until=timezone.now() - datetime.timedelta(seconds=1))
    Kept.forget_all()
    assert taken(other, patterned())
    for_good = block_image(image, grounds())
    assert is_blocked(image)
    assert lift(for_good, AnonymousUser())
    assert not lift(for_good, AnonymousUser())
    assert not is_blocked(image)
    block.refresh_from_db()
    assert not block.holds


def test_the_longer_of_two_blocks_holds(visitor):
    image = store_upload(visitor, "", encoded(patterned())).image
    for_good = block_image(image, grounds())
    block_image(image, grounds(timezone.now() + datetime.timedelta(days=1)))
    assert lift(for_good, AnonymousUser())
    assert is_blocked(image)


def test_a_picture_of_a_log_that_is_blocked_before_its_file_comes_is_refused_with_it(db):
    data = encoded(patterned())
    md5 = "0a" * 16
    waiting = Image.objects.create(md5=md5, width=0, height=0, difference_hash=0, bytes=0)
    block_image(waiting, grounds())
    with pytest.raises(ImageRefused) as refused:
        store_under_name(md5, data)
    assert refused.value.code == "image_blocked"
    assert Image.objects.get().file.name == ""
