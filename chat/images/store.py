"""Take a visitor's picture, keep it once, and let it go with its last owner."""

import contextlib
import errno
import logging
import secrets
import unicodedata
from collections.abc import Callable

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import IntegrityError, OperationalError, transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from msgspec.structs import replace

from chat import events
from chat.images.blocks import is_blocked
from chat.images.errors import ImageRefused
from chat.images.pool import Decoded, Pixels, decoders
from chat.models import Image, Upload, Visitor

logger = logging.getLogger(__name__)

_NAME_LENGTH = 200
_ATTEMPTS = 5
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# Controls, invisible formatting (which can turn a name's direction round), halves of surrogates, line ends.
_UNWANTED = ("Cc", "Cf", "Cs", "Zl", "Zp")


def store_upload(visitor: Visitor, name: str, data: bytes) -> Upload:
    """Validate and keep a picture; the same picture of the same visitor gives the same upload.

    Files are complete before the row that names them is committed, and removed when it is not.
    Raises `ImageRefused`, and `OperationalError` when the database is away. Must be called outside a
    transaction.
    """
    files = _NewFiles(decoded(data))
    try:
        return _keep(visitor, clean_name(name), files)
    except OSError as error:
        logger.error("A picture could not be written: %s", error.strerror)
        raise ImageRefused("storage_full" if error.errno in _FULL else "storage_unavailable") from error
    finally:
        files.remove_unless_kept()


def store_under_name(md5: str, data: bytes) -> Image:
    """Keep a picture under the MD5 that another server gave it, which lossy files no longer have.

    A row that waited for its file gets it. Files are complete before the row names them. Raises `ImageRefused`, and
    OSError when they can't be written. Must be called outside a transaction.
    """
    found = decoded(data)
    found = replace(found, about=replace(found.about, md5=md5))
    if is_blocked(found.about):
        raise ImageRefused("image_blocked")
    files = _NewFiles(found)
    try:
        files.write()
        with transaction.atomic(durable=True):
            image = _same(found.about).first() or Image.objects.waiting_for_file().filter(md5=md5).first()
            if image is None or not image.file:
                image = files.name_in(image or Image(md5=md5))
                files.kept = True
    finally:
        files.remove_unless_kept()
    return image


def decoded(data: bytes) -> Decoded:
    """Decode a picture's file within the site's limits. Blocks; raises `ImageRefused`."""
    if len(data) > max_bytes():
        raise too_large()
    if not data:
        raise ImageRefused("image_empty")
    return decoders.decode(
        data,
        pixels=int(settings.MMCHAT_MAX_IMAGE_MEGAPIXELS * 1e6),
        side=settings.MMCHAT_MAX_IMAGE_SIDE,
    )


def max_bytes() -> int:
    """Give how many bytes a file may have."""
    return int(settings.MMCHAT_MAX_IMAGE_MEGABYTES * 2**20)


def too_large() -> ImageRefused:
    """Make the refusal of a file with more bytes than `max_bytes`."""
    return ImageRefused("image_too_large", settings.MMCHAT_MAX_IMAGE_MEGABYTES)


def clean_name(name: str) -> str:
    """Make a file name fit to be shown: no control characters, at most 200 characters."""
    return without_controls(name)[:_NAME_LENGTH]


def without_controls(text: str) -> str:
    """Give a line of text without what would change how the text around it is shown."""
    kept = "".join(character for character in text if unicodedata.category(character) not in _UNWANTED)
    return kept.strip()


def image_info(upload: Upload) -> events.ImageInfo:
    """Describe an upload to its visitor's browser. Reads `upload.image`."""
    return events.ImageInfo(
        id=upload.pk,
        url=reverse("chat:image", args=[upload.pk]),
        thumbnail=reverse("chat:thumbnail", args=[upload.pk]),
        width=upload.image.width,
        height=upload.image.height,
        name=upload.name,
        description=upload.description,
    )


def delete_upload(upload: Upload) -> bool:
    """Delete an upload, and with the last one of its picture the picture's row and, once committed, files.

    False where it was sent again after `upload` was read, and stays. A blocked picture is still refused when it comes
    again. Raises `django.db.models.ProtectedError` while a message shows the upload.
    """
    with transaction.atomic():
        # Whoever sends the picture again waits for this lock, or this for them.
        image = Image.objects.select_for_update().filter(pk=upload.image_id).first()
        found = Upload.objects.filter(pk=upload.pk, created=upload.created)
        is_gone = bool(found.delete()[0])
        if is_gone and image is not None:
            _delete_unowned(image)
    return is_gone


def delete_unowned(pk: int) -> bool:
    """Delete a picture that nobody has: its row and, once committed, files. False where somebody has it."""
    with transaction.atomic():
        image = Image.objects.select_for_update().filter(pk=pk).first()
        return image is not None and _delete_unowned(image)


def _delete_unowned(image: Image) -> bool:
    if image.uploads.exists():
        return False
    transaction.on_commit(_removal(*image.file_names))
    image.delete()
    return True


class _NewFiles:
    """The files of one picture, written when it turns out that they are needed.

    Their names hold the picture's key and something random: a picture that comes back while its old files
    are being removed, or that comes twice at once, has files of its own and never loses them to the other.
    """

    def __init__(self, decoded: Decoded) -> None:
        self.about = about = decoded.about
        stem = f"{about.md5[:2]}/{about.md5}-{about.width}x{about.height}-{secrets.token_hex(4)}"
        self.picture = f"{Image.file.field.upload_to}{stem}.png"
        self.jpeg = f"{Image.jpeg.field.upload_to}{stem}.jpg"
        self.thumbnail = f"{Image.thumbnail.field.upload_to}{stem}.webp"
        self.size = len(decoded.png)
        self.kept = False
        self.written = False
        self._decoded = decoded

    def write(self) -> None:
        if not self.written:
            self.written = True
            default_storage.save(self.picture, ContentFile(self._decoded.png))
            default_storage.save(self.jpeg, ContentFile(self._decoded.jpeg))
            default_storage.save(self.thumbnail, ContentFile(self._decoded.thumbnail))

    def name_in(self, image: Image) -> Image:
        """Let a row name these files, and save it."""
        about = self.about
        image.width, image.height = about.width, about.height
        image.difference_hash, image.source_format = about.difference_hash, about.source_format
        image.file, image.bytes = self.picture, self.size
        image.jpeg, image.thumbnail = self.jpeg, self.thumbnail
        image.save()
        return image

    def remove_unless_kept(self) -> None:
        if self.written and not self.kept:
            _removal(self.picture, self.jpeg, self.thumbnail)()


def _keep(visitor: Visitor, name: str, files: _NewFiles) -> Upload:
    about = files.about
    if is_blocked(about):
        raise ImageRefused("image_blocked")
    for _ in range(_ATTEMPTS):
        # Outside the transaction: SQLite has one writer, which must not wait for a disk.
        known = _same(about).first()
        if not known or not known.file:
            files.write()
        # The same picture can be stored or deleted at the same moment, and so can its visitor.
        with contextlib.suppress(IntegrityError):
            upload = _record(visitor, name, files)
            if upload:
                files.kept = upload.image.file.name == files.picture
                return upload
    raise OperationalError("The same picture was stored and deleted too often at once")


@transaction.atomic(durable=True)
def _record(visitor: Visitor, name: str, files: _NewFiles) -> Upload | None:
    """Add the rows, or give None when the picture's old files have just gone and new ones are needed."""
    image = _same(files.about).select_for_update().first()
    if image is None or not image.file:
        if not files.written:
            return None
        image = files.name_in(image or Image(md5=files.about.md5))
    upload, is_new = Upload.objects.select_related("image").get_or_create(
        visitor=visitor, image=image, defaults={"name": name}
    )
    if not is_new:
        # Somebody may be writing to it again, for as long as to a new one.
        upload.created = timezone.now()
        upload.save(update_fields=["created"])
    return upload


def _same(about: Pixels) -> QuerySet[Image]:
    return Image.objects.filter(md5=about.md5, width=about.width, height=about.height)


def _removal(*names: str) -> Callable[[], None]:
    def remove() -> None:
        for name in names:
            try:
                default_storage.delete(name)
            except OSError as error:
                logger.error("The file %s could not be removed: %s", name, error)

    return remove
