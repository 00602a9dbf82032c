"""Exports in the background: asked for by a row, made by whichever process claims it, kept for some days.

Everything here waits for the database and the disk. `python manage.py run_export` makes one in a process of its own,
since it is minutes of work that would make replies stutter; `feedback.exporter` starts it.
"""

import datetime
import logging
import shutil
import threading
import time
import uuid
import zipfile
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from chat.database import UNAVAILABLE
from chat.models import AuditEntry
from chat.refusals import Refused
from feedback.exchange import choice as choices
from feedback.exchange.export import FULL, check, export
from feedback.exchange.formats import FORMATS
from feedback.exchange.work import NameTaken
from feedback.models import Export, ExportState

log = logging.getLogger(__name__)

MOST_UNFINISHED = 10  # on the whole site
MOST_ATTEMPTS = 3  # what dies so often, as for want of memory, would die again, and later ones wait for it
BEAT_SECONDS = 1.0
FOLDER = "exports"  # of the site's storage


class Lost(Exception):
    """The export was cancelled, or another process has taken it over."""


def ask_for(export: Export, channel: str) -> None:
    """Store an export to be made, with an audit entry. Raises `Refused`.

    Its format and `choice`, as `Choice.described` gives it, are set; `channel` says where it was asked for.
    """
    choice = choices.read(export.choice, FORMATS[export.format].kinds)
    check(export.format, choice)
    export.choice = choice.described()
    with transaction.atomic():
        if Export.objects.unfinished().count() >= MOST_UNFINISHED:
            raise Refused(
                "exports_busy", _("There are enough exports under way; wait for one to end."), "format",
                MOST_UNFINISHED,
            )  # fmt: skip
        export.save(force_insert=True)
        _audit(
            export,
            "export",
            export.requester_id,
            {"channel": channel, "format": export.format, **export.choice},
        )


def taken(export: Export, user: int | None) -> None:
    """Write down that somebody downloads an export's file."""
    _audit(export, "export_download", user, {"format": export.format})


def cancel(export: Export, user: int | None) -> bool:
    """End an export that waits or runs; its process notices within a second. False where there was none to end."""
    with transaction.atomic():
        ended = Export.objects.unfinished().filter(pk=export.pk)
        if not ended.update(state=ExportState.CANCELLED, finished=timezone.now()):
            return False
        _audit(export, "export_cancel", user, {})
    return True


def claim(waiting: Export, owner: uuid.UUID) -> bool:
    """Take an export that waits, or whose process is dead: the counter is still what was seen."""
    taken = {"state": ExportState.RUNNING, "owner": owner, "attempts": F("attempts") + 1}
    return bool(_as_seen(waiting).update(heartbeat=F("heartbeat") + 1, **taken))


def give_up(dead: Export) -> bool:
    """End an export whose process has died too often; False where somebody has it now after all."""
    words = _(
        "Its process died %(number)s times, as one does that needs too much memory. Ask for less at once (fewer days, "
        "models or types, no images), or give the machine more memory; the log of the site tells more."
    )
    failed = _failed(code="export_died", words=words % {"number": dead.attempts})
    if not _as_seen(dead).update(**failed):
        return False
    log.error("export given up: its process died %s times", dead.attempts, extra={"export": dead.pk})
    shutil.rmtree(_folder(dead), ignore_errors=True)
    return True


def give_back(owner: uuid.UUID) -> None:
    """Let somebody else go on with what this process had: the site ended it, so it was no failed attempt."""
    Export.objects.owned_by(owner).update(state=ExportState.WAITING, owner=None, attempts=F("attempts") - 1)


def _as_seen(row: Export) -> QuerySet[Export]:
    return Export.objects.unfinished().filter(
        pk=row.pk, state=row.state, owner=row.owner, heartbeat=row.heartbeat
    )


def make(pk: uuid.UUID, owner: uuid.UUID) -> None:
    """Make an export that was claimed for `owner`, from where an earlier process of this machine had come."""
    row = Export.objects.owned_by(owner).filter(pk=pk).first()
    if row is None:
        return
    beat = _Beat(pk, owner)
    try:
        with beat:
            path, entries = _write(row, beat)
            stored = _store(path, row)
        done = {"state": ExportState.COMPLETE, "file": stored, "entries": entries, "done": F("total")}
        size = default_storage.size(stored)
        if (
            not Export.objects.owned_by(owner)
            .filter(pk=pk)
            .update(bytes=size, finished=timezone.now(), **done)
        ):
            default_storage.delete(stored)
            raise Lost
        log.info("export complete", extra={"export": pk})
    except Lost:
        log.info("export given up: cancelled, or taken over", extra={"export": pk})
    except NameTaken:
        log.info("another process still writes this export", extra={"export": pk})
        return
    except UNAVAILABLE:
        raise  # the row stays as it is, and goes on when the database is back
    except Refused as refused:
        _fail(pk, owner, refused.code, refused.text)
    except OSError as error:
        log.warning("export failed: %s", error, extra={"export": pk})
        code = "storage_full" if error.errno in FULL else "storage_unavailable"
        _fail(pk, owner, code, error.strerror or str(error))
    except Exception:
        # Whoever took it over would fail in the same way, and all later ones wait for it.
        log.exception("export failed", extra={"export": pk})
        words = _("The site failed at this; its log tells more. Ask for it again with other filters.")
        _fail(pk, owner, "internal_error", words)
    if not Export.objects.unfinished().filter(pk=pk).exists():
        shutil.rmtree(_folder(row), ignore_errors=True)


def remove_old() -> int:
    """Remove exports whose time is over, files included, and what dead processes left; give how many went."""
    over = timezone.now() - datetime.timedelta(days=settings.MMCHAT_KEEP_EXPORTS_DAYS)
    gone = 0
    for row in Export.objects.filter(created__lt=over).exclude(state=ExportState.RUNNING):
        remove(row)
        gone += 1
    root = settings.MMCHAT_DATA_DIR / "exports"
    # Before the rows are read, so that nothing is looked at that is of a later one.
    stored, folders = _stored(), list(root.iterdir()) if root.exists() else []
    known = {str(pk) for pk in Export.objects.unfinished().values_list("pk", flat=True)}
    kept = set(Export.objects.exclude(file="").values_list("file", flat=True))
    for name in stored:
        if name not in kept and not any(pk in name for pk in known):
            default_storage.delete(name)
    for folder in folders:
        if folder.name not in known:
            shutil.rmtree(folder, ignore_errors=True)
    return gone


def remove(row: Export) -> None:
    """Remove an export and its file; the audit log keeps that it was made."""
    if row.file:
        row.file.delete(save=False)
    row.delete()


def file_name(row: Export) -> str:
    """Name the file as a browser saves it."""
    suffix = "zip" if _is_folder(row) else Path(FORMATS[row.format].file).suffix[1:]
    return f"mmchat-{row.format}-{row.created:%Y-%m-%d}-{str(row.pk)[:8]}.{suffix}"


def _is_folder(row: Export) -> bool:
    return FORMATS[row.format].makes_folder(choices.read(row.choice, FORMATS[row.format].kinds))


def _folder(row: Export) -> Path:
    return Path(settings.MMCHAT_DATA_DIR) / "exports" / str(row.pk)


def _write(row: Export, beat: "_Beat") -> tuple[Path, int]:
    choice = choices.read(row.choice, FORMATS[row.format].kinds)
    folder = _folder(row)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = folder / f"mmchat-{row.format}"
    # A process may have died between the folder and its archive.
    shutil.rmtree(target, ignore_errors=True)
    done = export(row.format, choice, target, beat.tell)
    if target.is_dir():
        return _archive(target, beat), done.entries
    return target, done.entries


def _archive(folder: Path, beat: "_Beat") -> Path:
    """Pack a folder, the same files to the same bytes."""
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(each for each in folder.rglob("*") if each.is_file()):
            beat.check()
            info = zipfile.ZipInfo(f"{folder.name}/{file.relative_to(folder)}", (1980, 1, 1, 0, 0, 0))
            info.external_attr = 0o600 << 16
            info.compress_type = zipfile.ZIP_STORED if file.suffix == ".png" else zipfile.ZIP_DEFLATED
            with file.open("rb") as source, archive.open(info, "w", force_zip64=True) as goal:
                shutil.copyfileobj(source, goal, 1024 * 1024)
    shutil.rmtree(folder)
    return path


class _Movable(File):
    """A file that a storage on the same disk takes by its name, and any other by its bytes."""

    def temporary_file_path(self) -> str:
        return str(self.name)


def _store(path: Path, row: Export) -> str:
    with path.open("rb") as file:
        return default_storage.save(f"{FOLDER}/{row.pk}{path.suffix}", _Movable(file, str(path)))


def _stored() -> list[str]:
    """Give the names of all files of exports in the site's storage."""
    try:
        return [f"{FOLDER}/{name}" for name in default_storage.listdir(FOLDER)[1]]
    except FileNotFoundError:
        return []


def _fail(pk: uuid.UUID, owner: uuid.UUID, code: str, words: str) -> None:
    Export.objects.owned_by(owner).filter(pk=pk).update(**_failed(code, words))


def _failed(code: str, words: str) -> dict[str, object]:
    return {"state": ExportState.FAILED, "error_code": code, "error": words, "finished": timezone.now()}


def _audit(export: Export, action: str, user: int | None, detail: dict[str, object]) -> None:
    AuditEntry.objects.create(actor_id=user, action=action, target=f"export {export.pk}", detail=detail)


class _Beat:
    """Move the row's counter and progress once a second, in a thread: one batch with many pictures may take longer."""

    def __init__(self, pk: uuid.UUID, owner: uuid.UUID) -> None:
        self._pk, self._owner = pk, owner
        self._done = self._total = 0
        self._is_lost = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def tell(self, done: int, total: int) -> None:
        """Take how far the export is. Raises `Lost`."""
        self._done, self._total = done, total
        self.check()

    def check(self) -> None:
        if self._is_lost.is_set():
            raise Lost

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        try:
            while not self._over.wait(BEAT_SECONDS):
                rows = Export.objects.owned_by(self._owner).filter(pk=self._pk)
                try:
                    if not rows.update(heartbeat=F("heartbeat") + 1, done=self._done, total=self._total):
                        self._is_lost.set()
                        return
                except UNAVAILABLE as error:
                    log.warning("an export could not say that it lives: %s", error)
                    connection.close()
                    time.sleep(BEAT_SECONDS)
        finally:
            connection.close()
