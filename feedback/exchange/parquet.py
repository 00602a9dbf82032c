"""Write records as Parquet, in files of 20,000 rows or a little more: memory stays small, and an export can go on.

Needs pyarrow, which is an extra: `pip install --require-hashes -r requirements-parquet.txt`. It is loaded where it is
used: it takes some 40 MB, and a process that serves chats makes no export.
"""

import importlib.util
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from feedback.exchange import table
from feedback.exchange.pictures import Pictures
from feedback.exchange.records import Record
from feedback.exchange.writers import Mark

FOLDER = "data"
ROWS_A_FILE = 20_000
ROWS_A_GROUP = 2_500


def is_installed() -> bool:
    return importlib.util.find_spec("pyarrow") is not None


def _schema() -> Any:
    import pyarrow

    text, number, moment = pyarrow.string(), pyarrow.int32(), pyarrow.timestamp("us", tz="UTC")
    texts = pyarrow.list_(text)
    message = pyarrow.struct([("role", text), ("content", text), ("images", texts)])
    special = {
        "time": moment,
        "start": moment,
        "turns": number,
        "upvotes": number,
        "downvotes": number,
        "complete": pyarrow.bool_(),
        "images": texts,
        "reasons": texts,
        "messages": pyarrow.list_(message),
    }
    return pyarrow.schema([(name, special.get(name, text)) for name in table.COLUMNS])


class ParquetWriter:
    """Write rows into numbered files; each ends with a batch of records, so the same records give the same files."""

    def __init__(self, folder: Path, pictures: Pictures | None, mark: Mark | None) -> None:
        self._folder = folder / FOLDER
        self._folder.mkdir(exist_ok=True)
        self._pictures = pictures
        self.written = mark["written"] if mark else 0
        self.without_pictures = mark["without_pictures"] if mark else 0
        self._files = mark["files"] if mark else 0
        for path in self._folder.iterdir():
            if path >= self._path():
                path.unlink()  # written behind the mark: its rows may be gone by now
        self._rows: list[dict[str, Any]] = []
        self._open: Any = None
        self._in_file = 0
        self._schema = _schema()

    def write(self, records: Iterable[Record]) -> None:
        for record in records:
            if self._pictures and not self._pictures.bring(record.pictures):
                self.without_pictures += 1
            self._rows.append(table.row(record))
            self._in_file += 1
            self.written += 1
        if len(self._rows) >= ROWS_A_GROUP:
            self._write_group()
        if self._in_file >= ROWS_A_FILE:
            self._close_file()

    def mark(self) -> Mark | None:
        if self._in_file:
            return None
        return {
            "files": self._files,
            "written": self.written,
            "without_pictures": self.without_pictures,
            "pictures": self._pictures.mark() if self._pictures else 0,
        }

    def close(self, complete: bool) -> None:
        if complete and (self._in_file or not self._files):
            self._close_file()
        elif self._open:
            self._open.close()

    def _write_group(self) -> None:
        from pyarrow import Table, parquet

        if self._open is None:
            self._open = parquet.ParquetWriter(self._path(), self._schema, compression="zstd")
        self._open.write_table(Table.from_pylist(self._rows, schema=self._schema))
        self._rows = []

    def _close_file(self) -> None:
        self._write_group()
        self._open.close()
        with self._path().open("rb") as file:
            os.fsync(file.fileno())
        self._open, self._in_file = None, 0
        self._files += 1

    def _path(self) -> Path:
        return self._folder / f"train-{self._files:05}.parquet"
