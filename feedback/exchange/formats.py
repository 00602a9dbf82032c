"""The formats of exports. A format is a function that turns a record into bytes, and one line here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from feedback.exchange import fastchat, imported, llava, parquet, table, training
from feedback.exchange.choice import Choice
from feedback.exchange.pictures import Pictures
from feedback.exchange.records import IMPORTED, LOGGED, Kind
from feedback.exchange.writers import Encode, LineWriter, Mark, Writer
from feedback.models.logs import LogSource


@dataclass(frozen=True)
class Format:
    """Say how records become files.

    `file` is the name of the one file, or of the main one in a folder; `kinds` are what the format has lines for.
    `is_folder` formats are data sets with a card; others become a folder only with pictures. `data` is what the
    `datasets` library is told to open, None where it finds it by itself. `needs_pictures` formats are
    nothing without them. Conversations that were imported from a log of the kind `as_logged` come as its lines.
    """

    title: str | Promise
    file: str
    kinds: tuple[Kind, ...] = LOGGED
    encode: Encode | None = None
    header: Callable[[], bytes] = bytes
    between: bytes = b""
    footer: bytes = b""
    is_folder: bool = False
    data: str | None = None
    needs_pictures: bool = False
    as_logged: str = ""

    def makes_folder(self, choice: Choice) -> bool:
        return self.is_folder or choice.images

    def writer(self, folder: Path, choice: Choice, mark: Mark | None) -> Writer:
        """Open a writer in a folder, behind a mark of an earlier one. Raises OSError."""
        pictures = Pictures(folder, mark["pictures"] if mark else None) if choice.images else None
        if self.encode is None:
            return parquet.ParquetWriter(folder, pictures, mark)
        return LineWriter(
            folder / self.file,
            self.encode,
            pictures,
            mark,
            needs_all=self.is_folder,
            header=self.header(),
            between=self.between,
            footer=self.footer,
        )


FORMATS: Mapping[str, Format] = {
    "jsonl": Format(
        _("JSON lines: LLaVA's log lines with the ids of conversation and reply"),
        "log.jsonl",
        encode=llava.with_ids,
        data="log.jsonl",
        as_logged=LogSource.LLAVA,
    ),
    "llava": Format(
        _("LLaVA's log lines, exactly"),
        "log.jsonl",
        encode=llava.exact,
        data="log.jsonl",
        as_logged=LogSource.LLAVA,
    ),
    "fastchat": Format(
        _("FastChat's log lines"),
        "log.jsonl",
        encode=fastchat.encode,
        data="log.jsonl",
        as_logged=LogSource.FASTCHAT,
    ),
    "imported": Format(
        _("Log lines of other servers, as they were imported"),
        "log.jsonl",
        kinds=(IMPORTED,),
        encode=imported.encode,
        data="log.jsonl",
    ),
    "csv": Format(_("CSV"), "table.csv", encode=table.encode, header=table.header, data="table.csv"),
    "parquet": Format(_("Parquet, in a folder"), "", is_folder=True, data=f"{parquet.FOLDER}/*.parquet"),
    "finetuning": Format(
        _("Data set: LLaVA's fine-tuning JSON"),
        "train.json",
        kinds=("chat",),
        encode=training.finetuning,
        header=lambda: b"[\n",
        between=b",\n",
        footer=b"\n]\n",
        is_folder=True,
        data="train.json",
    ),
    "preferences": Format(
        _("Data set: pairs of a better and a worse reply"),
        "train.jsonl",
        kinds=("preference",),
        encode=training.preference,
        is_folder=True,
        data="train.jsonl",
    ),
    "imagefolder": Format(
        _("Data set: an image folder with conversations"),
        "metadata.jsonl",
        kinds=("chat",),
        encode=training.beside_pictures,
        is_folder=True,
        needs_pictures=True,
    ),
}
