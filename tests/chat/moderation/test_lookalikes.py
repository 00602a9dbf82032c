"""Images that look like blocked ones."""

import io

import pytest
from django.contrib.auth.models import User
from PIL import Image

from chat.images.blocks import NEAR, distance, is_blocked
from chat.images.unstored import unstored
from chat.models import ModerationEvent, Stage
from chat.moderation.checks import Check, Subject
from chat.moderation.pipeline import decide
from chat.restrictions import Grounds, block_image, lift
from tests.chat.images.pictures import encoded, noisy
from tests.chat.moderation.conftest import make_check

pytestmark = pytest.mark.django_db
Outcome = ModerationEvent.Outcome


def flipped(image, bits):
    """A picture whose hash differs in so many bits, and whose pixels are others."""
    image = unstored(image)
    image.md5 = "0" * 32
    for bit in range(bits):
        image.difference_hash ^= 1 << (bit * 3)
    return image


@pytest.fixture
def blocked(tmp_path, settings):
    settings.STORAGES = settings.STORAGES | {
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path)},
        }
    }
    data = encoded(noisy(60, 40))
    image = unstored(data)
    image.source_format, image.bytes = "PNG", len(data)
    image.save()
    return data, block_image(image, Grounds(User.objects.create_user("moderator"), "bad"))


def decision_on(*images, **fields):
    row = make_check(kind="lookalikes", on_text=False, on_images=True, outcome="held", **fields)
    return decide(Check(row, list(row.thresholds.all())), Subject(Stage.MESSAGE, "text", images))


@pytest.mark.parametrize(
    ("bits", "outcome"), [(NEAR + 1, "held"), (10, "held"), (11, "allowed"), (16, "allowed")]
)
def test_what_was_changed_more_than_a_block_sees_is_held(blocked, bits, outcome):
    image = flipped(blocked[0], bits)
    assert distance(image.difference_hash, unstored(blocked[0]).difference_hash) == bits
    assert not is_blocked(image)
    decision = decision_on(image)
    assert decision.outcome == outcome
    assert decision.scores == {"likeness": 1 - bits / 32}


def test_the_most_alike_of_several_images_counts(blocked):
    other = unstored(encoded(noisy(60, 40, seed=2)))
    assert decision_on(other, flipped(blocked[0], 8)).outcome == Outcome.HELD


def test_a_cut_copy_that_passes_the_block_is_found(blocked):
    with Image.open(io.BytesIO(blocked[0])) as picture:
        left = unstored(encoded(picture.crop((0, 0, 59, 40))))
    assert (
        decision_on(left, name="cut").scores["likeness"]
        > decision_on(unstored(encoded(noisy(60, 40, seed=3))), name="other").scores["likeness"]
    )


def test_a_block_that_was_lifted_and_pictures_without_looks_count_for_nothing(blocked):
    plain = unstored(encoded(Image.new("RGB", (60, 40), "red")))
    assert decision_on(plain).scores == {"likeness": 0}
    lift(blocked[1], User.objects.get())
    assert decision_on(flipped(blocked[0], 8), name="lifted").scores == {"likeness": 0}
