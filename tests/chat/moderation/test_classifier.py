"""The classifier of images on this machine, with the real model, on drawings of circles."""

import os
import signal

import pytest
from django.core.files.base import ContentFile
from PIL import Image, ImageDraw

from chat.images.unstored import unstored
from chat.models import CheckThreshold, ModerationCheck, ModerationEvent, Stage
from chat.moderation import classifier as module
from chat.moderation.checks import Check, Subject
from chat.moderation.pipeline import decide
from tests.chat.images.pictures import encoded
from tests.running import wait_until

Outcome = ModerationEvent.Outcome
SECONDS = 60  # to load the model, on a machine that is busy


def plain():
    return unstored(encoded(Image.new("RGB", (400, 300), "white")))


def drawing():
    """Two circles with a dot in each, of the colours of skin: enough for the model to take them for a breast."""
    picture = Image.new("RGB", (512, 512), (90, 110, 90))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((60, 0, 452, 512), fill=(225, 180, 150))
    for middle in (161, 351):
        draw.ellipse(
            (middle - 90, 140, middle + 90, 320), fill=(232, 190, 160), outline=(190, 140, 110), width=4
        )
        draw.ellipse((middle - 10, 235, middle + 10, 255), fill=(150, 90, 70))
    return unstored(encoded(picture))


def decision_on(*images, thresholds=(), **fields):
    row = ModerationCheck(
        kind="classifier", on_text=False, on_images=True, **{"timeout": SECONDS, "outcome": "held", **fields}
    )
    return decide(Check(row, thresholds), Subject(Stage.MESSAGE, "text", images))


def test_what_is_exposed_is_objected_to_and_other_images_are_not():
    decision = decision_on(plain())
    assert (decision.outcome, decision.categories) == (Outcome.ALLOWED, ())
    decision = decision_on(plain(), drawing())
    assert (decision.outcome, decision.categories) == (Outcome.HELD, ("FEMALE_BREAST_EXPOSED",))
    assert 0.5 <= decision.scores["FEMALE_BREAST_EXPOSED"] <= 1


def test_thresholds_of_its_categories_decide():
    allowed = [CheckThreshold(category="FEMALE_BREAST_EXPOSED", at_least=1, outcome="refused")]
    assert decision_on(drawing(), thresholds=allowed).outcome == Outcome.ALLOWED


def test_it_runs_in_a_process_of_its_own_that_sees_no_key_and_is_replaced_when_it_dies(monkeypatch):
    monkeypatch.setenv("SOME_API_KEY", "secret")
    monkeypatch.setattr(module, "classifier", module.Classifier())
    assert decision_on(plain()).outcome == Outcome.ALLOWED
    child = module.classifier.process_id()
    assert child not in (None, os.getpid())
    with open(f"/proc/{child}/environ", "rb") as environment:
        assert b"secret" not in environment.read()
    os.kill(child, signal.SIGKILL)
    wait_until(lambda: module.classifier._child.poll() is not None)
    assert decision_on(plain()).outcome == Outcome.ALLOWED
    assert module.classifier.process_id() != child
    module.classifier.close()


def test_one_that_takes_too_long_is_killed_and_the_check_is_unavailable(monkeypatch):
    monkeypatch.setattr(module, "classifier", module.Classifier())
    assert decision_on(plain()).outcome == Outcome.ALLOWED
    os.kill(module.classifier.process_id(), signal.SIGSTOP)
    decision = decision_on(plain(), timeout=0.3)
    assert (decision.outcome, decision.detail) == (Outcome.UNAVAILABLE_REFUSED, "the answer took too long")
    assert decision_on(plain()).outcome == Outcome.ALLOWED, "the one that hung was not replaced"
    module.classifier.close()


def test_without_the_extra_it_is_unavailable(monkeypatch):
    monkeypatch.setattr(module, "is_installed", lambda: False)
    assert decision_on(plain()).detail == "NudeNet is not installed"
    assert decision_on(plain(), when_down="open").outcome == Outcome.UNAVAILABLE_ALLOWED


def test_an_image_whose_file_is_gone_can_not_be_classified():
    image = plain()
    image.thumbnail.storage.delete("thumbnail")
    assert decision_on(image).detail == "an image can't be read"


def test_what_is_no_image_tells_so_and_the_next_one_is_classified():
    broken = plain()
    broken.thumbnail.storage.delete("thumbnail")
    broken.thumbnail.storage.save("thumbnail", ContentFile(b"no image"))
    assert decision_on(broken).detail.startswith("the classifier failed")
    assert decision_on(plain()).outcome == Outcome.ALLOWED


def test_a_site_that_goes_down_says_so():
    closed = module.Classifier()
    closed.close()
    with pytest.raises(module.Unavailable, match="going down"):
        closed.scores(b"", module.Deadline(5))
