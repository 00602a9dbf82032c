"""Which pictures moderators have blocked: the very same pixels, and pictures that look the same."""

import datetime
from typing import NamedTuple, Protocol

from django.utils import timezone

from chat.kept import Kept
from chat.models import BlockedImage

# Of the 64 bits, how many may differ. Of 262 pictures, 99.6 % or more of the copies that were scaled (to a quarter, up
# to twice the size) or saved again as JPEG or WebP were within 6 bits, and 96 % of those that lost 1 % at each edge.
# Unrelated hashes differ in 32 bits on average; 6 or fewer is chance once in some 10^11 pairs.
NEAR = 6
# Pictures of one colour, or with hardly anything on them, all have nearly the same hash: they are the same only by
# their pixels.
FEWEST_BITS = 10


class Looks(Protocol):
    """What is compared: the picture's key, and its difference hash as a signed integer."""

    @property
    def md5(self) -> str: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def difference_hash(self) -> int: ...


class _Blocks(NamedTuple):
    """The blocks in force, each until when: by key, and by hash."""

    exact: dict[tuple[str, int, int], datetime.datetime]
    near: list[tuple[int, datetime.datetime]]


_FOR_GOOD = datetime.datetime.max.replace(tzinfo=datetime.UTC)


@Kept
def _blocks() -> _Blocks:
    blocks = _Blocks({}, [])
    rows = BlockedImage.objects.in_force().values_list("md5", "width", "height", "difference_hash", "until")
    for md5, width, height, difference_hash, until in rows.iterator():
        end = until or _FOR_GOOD
        blocks.exact[md5, width, height] = max(end, blocks.exact.get((md5, width, height), end))
        if has_looks(difference_hash):
            blocks.near.append((difference_hash, end))
    return blocks


def has_looks(difference_hash: int) -> bool:
    """Tell whether a hash says enough of a picture to find its near-duplicates."""
    bits = (difference_hash & (2**64 - 1)).bit_count()
    return FEWEST_BITS <= bits <= 64 - FEWEST_BITS


def distance(one: int, other: int) -> int:
    """Count the bits in which two hashes differ, 0 to 64."""
    return ((one ^ other) & (2**64 - 1)).bit_count()


def likeness(picture: Looks) -> float:
    """Tell how much a picture looks like the most similar blocked one: 1 for equal hashes, 0 for none alike."""
    now, looks = timezone.now(), picture.difference_hash
    if not has_looks(looks):
        return 0.0
    near = [distance(looks, hashed) for hashed, until in _blocks().near if until > now]
    # Of hashes that have nothing in common half of the bits differ.
    return max(0.0, 1 - min(near, default=32) / 32)


def is_blocked(picture: Looks) -> bool:
    """Tell whether a picture or one that looks like it is blocked now. A new block counts within a second."""
    now = timezone.now()
    blocks = _blocks()
    # A picture of a log has no size while nobody has its file; blocked then, it stays so when the file comes.
    for size in ((picture.width, picture.height), (0, 0)):
        exact = blocks.exact.get((picture.md5, *size))
        if exact and exact > now:
            return True
    looks = picture.difference_hash
    return any(distance(looks, hashed) <= NEAR and until > now for hashed, until in blocks.near)
