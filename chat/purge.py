"""Remove for good what visitors deleted, what is too old, and pictures that nothing shows: rows and files.

Each conversation, upload and visitor goes in a transaction of its own, so that nobody waits for long; a run that breaks
off is gone on with by the next one.
"""

import contextlib
import datetime
import logging
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, ProtectedError, Q, QuerySet
from django.utils import timezone

from chat import retention
from chat.images.store import delete_unowned, delete_upload
from chat.models import (
    AuditEntry,
    Conversation,
    Image,
    Message,
    MessageImage,
    Upload,
    Visitor,
)

log = logging.getLogger(__name__)

DAY = datetime.timedelta(days=1)
BATCH = 500
Gone = Counter[str]


def purge() -> dict[str, int]:
    """Remove all whose time is over, and leave an audit entry; give how many of each kind went."""
    now = timezone.now()
    gone: Gone = Counter(conversations=0, images=0, visitors=0)
    for conversation in _ids(_over(now)):
        _remove_conversation(_over(now).filter(pk=conversation), gone)
    for upload in _ids(_unused(now)):
        _remove_upload(_unused(now).filter(pk=upload), gone)
    for image in _unowned(now).values_list("pk", flat=True):
        # Suppressed: somebody sent it at this very moment.
        with contextlib.suppress(IntegrityError):
            gone["images"] += delete_unowned(image)
    for visitor in _ids(_leaving(now)):
        _remove_visitor(_leaving(now).filter(pk=visitor), visitor, gone)
    gone.update(retention.forget())
    if any(gone.values()):
        AuditEntry.objects.create(action="purge", detail=dict(gone))
    return dict(gone)


def sweep() -> dict[str, int]:
    """Remove picture files that no row names: a process may have died between a row and its files."""
    gone = 0
    yesterday = timezone.now() - DAY  # younger ones may be waiting for their row
    for field, folder in (("file", "images"), ("jpeg", "jpegs"), ("thumbnail", "thumbnails")):
        files = _files(folder)
        while names := list(islice(files, BATCH)):
            keys = {name.rsplit("/", 1)[-1].split("-", 1)[0] for name in names}
            known = set(Image.objects.filter(md5__in=keys).values_list(field, flat=True))
            for name in set(names) - known:
                # Suppressed: another process is removing it, with its row.
                with contextlib.suppress(FileNotFoundError):
                    if default_storage.get_modified_time(name) < yesterday:
                        default_storage.delete(name)
                        gone += 1
    return {"files": gone}


def _over(now: datetime.datetime) -> QuerySet[Conversation]:
    over = Q(deleted__lte=now - _grace())
    if settings.MMCHAT_KEEP_DAYS:
        over |= Q(updated__lt=now - settings.MMCHAT_KEEP_DAYS * DAY)
    return Conversation.objects.filter(over)


def _unused(now: datetime.datetime) -> QuerySet[Upload]:
    """Pictures that were never sent; somebody may still be writing to a young one."""
    return Upload.objects.filter(uses__isnull=True, created__lt=now - max(_grace(), DAY))


def _unowned(now: datetime.datetime) -> QuerySet[Image]:
    """Pictures that nobody has: an import broke off before their lines, or could place none of those."""
    return Image.objects.filter(uploads__isnull=True, created__lt=now - DAY)


def _leaving(now: datetime.datetime) -> QuerySet[Visitor]:
    leaving = Q(deleted__lte=now - _grace())
    if settings.MMCHAT_KEEP_DAYS:
        has = [Exists(rows.filter(visitor=OuterRef("pk"))) for rows in (Conversation.objects, Upload.objects)]
        leaving |= Q(~has[0], ~has[1], created__lt=now - settings.MMCHAT_KEEP_DAYS * DAY, is_blocked=False)
    return Visitor.objects.with_blocked().filter(leaving)


def _grace() -> datetime.timedelta:
    return settings.MMCHAT_KEEP_DELETED_DAYS * DAY


def _ids(rows: QuerySet) -> Iterable[uuid.UUID]:
    return list(rows.order_by().values_list("pk", flat=True))


def _remove_conversation(found: QuerySet[Conversation], gone: Gone) -> None:
    """Remove a conversation with its messages and all that was said of them, and pictures that only it showed.

    `found` gives it while it is to be removed: since a long run began, its visitor may have gone on with it.
    """
    with transaction.atomic():
        # Locked, so that no message comes in between.
        conversation = found.select_for_update(of=("self",)).first()
        if conversation is None:
            return
        if Message.objects.live().filter(conversation=conversation).update(stop_requested=True):
            return  # its process ends the reply within seconds; the next run finds it
        shown = MessageImage.objects.filter(message__conversation=conversation)
        uploads = set(shown.values_list("upload", flat=True))
        gone["conversations"] += bool(Conversation.objects.filter(pk=conversation.pk).delete()[0])
    last = conversation.deleted or conversation.updated
    # What its visitor has sent again since then may be waiting for its message: it goes with the unused ones.
    again = Q(created__gt=max(last, timezone.now() - DAY))
    for upload in uploads:
        _remove_upload(Upload.objects.exclude(again).filter(pk=upload), gone)
    log.info("a conversation was removed", extra={"conversation": conversation.pk})


def _remove_upload(found: QuerySet[Upload], gone: Gone) -> None:
    """Remove an upload that no message shows; `found` gives it while it is to be removed."""
    upload = found.filter(uses__isnull=True).first()
    if upload is not None:
        # Suppressed: it was sent at this very moment.
        with contextlib.suppress(ProtectedError, IntegrityError):
            gone["images"] += delete_upload(upload)


def _remove_visitor(found: QuerySet[Visitor], pk: uuid.UUID, gone: Gone) -> None:
    """Remove a visitor with all that belongs to it; `found` gives it while it is to be removed."""
    # Who did not delete everything leaves when nothing is left; what is there now came since a long run began.
    everything = {"visitor": pk, "visitor__deleted__isnull": False}
    for conversation in _ids(Conversation.objects.filter(**everything)):
        _remove_conversation(Conversation.objects.filter(pk=conversation), gone)
    for upload in _ids(Upload.objects.filter(**everything)):
        _remove_upload(Upload.objects.filter(pk=upload), gone)
    # Suppressed: something came at this very moment.
    with contextlib.suppress(ProtectedError, IntegrityError), transaction.atomic():
        visitor = found.select_for_update(of=("self",)).first()
        # They stay with a reply that still runs. An upload that went with the visitor would leave its picture.
        stays = any(rows.filter(visitor=pk).exists() for rows in (Conversation.objects, Upload.objects))
        if visitor is not None and not stays:
            gone["visitors"] += bool(visitor.delete()[0])


def _files(folder: str) -> Iterator[str]:
    """Give the names of the files in the folders of a folder."""
    try:
        inner, _ = default_storage.listdir(folder)
    except FileNotFoundError:
        return
    for name in inner:
        for file in default_storage.listdir(f"{folder}/{name}")[1]:
            yield f"{folder}/{name}/{file}"
