"""Whatever is sent as a picture ends as a picture or as a named error, and the next one is decoded."""

import hashlib
import logging
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import pytest

from chat.images.errors import ImageRefused
from tests.chat.images.hostile import KINDS, hostile_files, long_name
from tests.chat.images.pictures import encoded, form_with, opened, patterned

COUNT = 50_000 if os.environ.get("MMCHAT_LONG") == "1" else 500
SEED = os.environ.get("MMCHAT_FUZZ_SEED", "mmchat")
ENDS = {
    "accepted",
    "image_format",
    "image_undecodable",
    "image_too_many_pixels",
    "image_side_too_long",
    "image_too_heavy",
}


def end_of(decode, data):
    try:
        decoded = decode(data)
    except ImageRefused as refused:
        return refused.code
    about = decoded.about
    stored, thumbnail = opened(decoded.png), opened(decoded.thumbnail)
    assert (stored.format, stored.mode, stored.size) == ("PNG", "RGB", (about.width, about.height))
    assert hashlib.md5(stored.tobytes()).hexdigest() == about.md5
    assert not stored.info
    jpeg = opened(decoded.jpeg)
    assert (jpeg.format, jpeg.mode, jpeg.size) == ("JPEG", "RGB", (about.width, about.height))
    assert thumbnail.format == "WEBP"
    assert max(thumbnail.size) <= 512
    return "accepted"


@pytest.fixture(autouse=True)
def _quiet(caplog):
    """Keep no line for each of thousands of refusals."""
    caplog.set_level(logging.WARNING, "chat.images.pool")


def test_hostile_files_end_well(decode, pool):
    ends = {kind.__name__: Counter() for kind in KINDS}
    with ThreadPoolExecutor(2) as threads:
        files = hostile_files(COUNT, SEED)
        while batch := list(islice(files, 50)):
            for (kind, _, _), end in zip(
                batch, threads.map(lambda file: end_of(decode, file[2]), batch), strict=True
            ):
                ends[kind][end] += 1
    for kind, of_kind in ends.items():  # `pytest -rP` shows it
        print(f"{kind}: " + ", ".join(f"{end} {number:,}" for end, number in of_kind.most_common()))
    assert sum(map(Counter.total, ends.values())) == COUNT
    assert set().union(*ends.values()) <= ENDS
    for kind in ("tiny", "sixteen_bits", "palette_with_alpha", "animation", "rotated", "long_name"):
        assert set(ends[kind]) == {"accepted"}, kind
    assert set(ends["disallowed_format"]) == {"image_format"}
    assert "accepted" not in ends["wrong_extension"]
    assert decode(encoded(patterned())).about.width == 60
    assert len(pool.process_ids()) <= 2


def test_hostile_names_are_cut_or_refused_by_name(visitor, browser_of):
    browser, ends = browser_of(visitor), Counter()
    for _, name, data in hostile_files(COUNT // len(KINDS), SEED, [long_name]):
        answer = browser.post("/uploads/", **form_with(name, data))
        said = answer.json()
        ends[said["error"]["code"] if "error" in said else "accepted"] += 1
        if answer.status_code == 201:
            assert len(said["name"]) <= 200
            assert said["name"].isprintable()
            assert "/" not in said["name"]
    print(ends)
    assert set(ends) <= {"accepted", "bad_form"}
    assert ends["accepted"]
