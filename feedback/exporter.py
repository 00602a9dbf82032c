"""Have exports made that were asked for: one at a time on the whole site, each in a process of its own."""

import logging
import subprocess
import sys
import threading
import time
import uuid

from django.conf import settings
from django.db import connection

from chat.database import UNAVAILABLE
from feedback import exports
from feedback.models import Export, ExportState

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
STOOD_STILL_SECONDS = 15.0  # many beats; timed by this process's own clock
CLEAN_SECONDS = 600.0
END_SECONDS = 5.0


class Exporter:
    """A thread of a server process that looks for exports, and the process that makes one."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mmchat-exports", daemon=True)
        self._child: subprocess.Popen[bytes] | None = None
        self._owner = uuid.uuid4()
        self._seen: dict[uuid.UUID, tuple[tuple[object, int], float]] = {}  # owner and counter, since when
        self._cleaned = float("-inf")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the export that this process makes, and leave it to the next one to go on with."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._over.wait(LOOK_SECONDS):
                try:
                    self.look()
                except UNAVAILABLE as error:
                    log.warning("exports wait for the database: %s", error)
                finally:
                    connection.close()
            self._end_child()
        finally:
            connection.close()

    def look(self) -> None:
        """Begin the oldest export that nobody makes, unless somebody makes one."""
        if self._child is not None and (status := self._child.poll()) is not None:
            if status:
                log.warning("the process of an export ended with status %s", status)
            self._child = None
        now = time.monotonic()
        if now - self._cleaned > CLEAN_SECONDS:
            self._cleaned = now
            exports.remove_old()
        rows = list(Export.objects.unfinished().order_by("created", "pk"))
        before, self._seen = self._seen, {}
        for row in rows:
            beat = (row.owner, row.heartbeat)
            known = before.get(row.pk)
            self._seen[row.pk] = known if known and known[0] == beat else (beat, now)
        alive = [row for row in rows if row.state == ExportState.RUNNING and not self._is_dead(row, now)]
        if self._child is not None or alive or not rows:
            return
        owner, oldest = uuid.uuid4(), rows[0]
        if oldest.attempts >= exports.MOST_ATTEMPTS:
            exports.give_up(oldest)
        elif exports.claim(oldest, owner):
            self._owner = owner
            command = [sys.executable, "manage.py", "run_export", str(oldest.pk), str(owner)]
            self._child = subprocess.Popen(command, cwd=settings.BASE_DIR, start_new_session=True)

    def _is_dead(self, row: Export, now: float) -> bool:
        return now - self._seen[row.pk][1] >= STOOD_STILL_SECONDS

    def _end_child(self) -> None:
        if self._child is None:
            return
        self._child.terminate()
        try:
            self._child.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        try:
            exports.give_back(self._owner)
        except UNAVAILABLE as error:
            log.warning("an export waits until its counter is seen to stand still: %s", error)
