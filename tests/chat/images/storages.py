"""A disk that fills up in the middle of a file."""

import errno
import os
from pathlib import Path

from django.core.files.storage import FileSystemStorage

ROOM = 1000


class NearlyFullStorage(FileSystemStorage):
    def _save(self, name, content):
        path = Path(self.path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content.read()
        path.write_bytes(data[:ROOM])
        if len(data) > ROOM:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return name
