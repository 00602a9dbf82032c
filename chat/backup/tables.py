"""Rows of any table as lines of JSON that every database takes, and back.

A line is an array of the row's values in the order of its columns' names. Times are ISO 8601, ids and files text,
bytes base 64; what a database makes of JSON (order of keys, 1.0 or 1) does not change a table's sum.
"""

import base64
import datetime
import decimal
import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

from django.apps.registry import Apps
from django.core.exceptions import ValidationError
from django.core.management.color import no_style
from django.db import DataError, IntegrityError, connection, models, transaction

from chat.backup.archive import damaged
from chat.backup.errors import BackupFailed

Model = type[models.Model]

# What is of running processes, and who is logged in or locked out: nothing of that holds elsewhere, or later.
LEFT_OUT = {"chat.serverprocess", "chat.circuitbreaker", "chat.logintries", "sessions.session"}
ROWS_AT_ONCE = 2000
_MODULUS = 2**256


class Tally:
    """Number and sum of a table's rows, whatever order they come in."""

    def __init__(self) -> None:
        self.rows, self._sum = 0, 0

    def add(self, fields: list[models.Field], values: Iterable[Any]) -> None:
        said = [
            _comparable(value) if _is_json(field) else value
            for field, value in zip(fields, values, strict=True)
        ]
        digest = hashlib.sha256(_line(said)).digest()
        self.rows, self._sum = self.rows + 1, (self._sum + int.from_bytes(digest)) % _MODULUS

    def told(self) -> dict[str, Any]:
        return {"rows": self.rows, "sum": f"{self._sum:064x}"}


def tables(apps: Apps) -> dict[str, Model]:
    """Give the models whose rows a backup has, by "app.model"; with those that join two others."""
    found = (model for model in apps.get_models(include_auto_created=True))
    return {
        model._meta.label_lower: model
        for model in found
        if model._meta.managed and not model._meta.proxy and model._meta.label_lower not in LEFT_OUT
    }


def columns(model: Model) -> list[models.Field]:
    """Give a table's columns by their names: a model of today and that of its migrations have them in other orders."""
    own = (field for field in model._meta.local_concrete_fields if not field.generated)
    return sorted(own, key=lambda field: field.attname)


def rows(model: Model) -> Iterator[tuple[Any, ...]]:
    """Read a table in constant memory; inside `snapshot()`, as it was when that began."""
    names = [field.attname for field in columns(model)]
    found = model._base_manager.order_by("pk").values_list(*names)
    yield from found.iterator(chunk_size=ROWS_AT_ONCE)


def tally(model: Model) -> Tally:
    """Count and sum a table as it is."""
    found, fields = Tally(), columns(model)
    for row in rows(model):
        found.add(fields, row)
    return found


def written(row: Iterable[Any]) -> bytes:
    return _line(list(row)) + b"\n"


def insert(model: Model, lines: Iterable[bytes], names: list[str]) -> None:
    """Store rows as they were written, `names` telling their columns; nothing is computed or set anew."""
    by_name = {field.attname: field for field in columns(model)}
    fields = [by_name[name] for name in names]
    made: list[models.Model] = []
    most = ROWS_AT_ONCE
    for line in lines:
        try:
            values = [_read(field, value) for field, value in zip(fields, json.loads(line), strict=True)]
        except (ValueError, ValidationError):
            raise damaged(f"a row of {model._meta.label_lower} can't be read") from None
        made.append(model(**dict(zip(names, values, strict=True))))
        if len(made) == 1:
            most = min(ROWS_AT_ONCE // 4, connection.ops.bulk_batch_size(fields, [made[0]] * ROWS_AT_ONCE))
        if len(made) >= most:
            _store(model, fields, made)
            made = []
    if made:
        _store(model, fields, made)


def clear(found: Iterable[Model]) -> None:
    """Remove what migrations have put into new tables; the archive has it as its site had it."""
    with connection.cursor() as cursor:
        for model in found:
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(model._meta.db_table)}")  # noqa: S608  # nosec B608


def set_sequences(found: Iterable[Model]) -> None:
    """Let the next row of each table get a number that no row has."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), list(found)):
            cursor.execute(statement)


def _store(model: Model, fields: list[models.Field], made: list[models.Model]) -> None:
    """Store rows; where the database refuses one, say which: SQLite takes what PostgreSQL does not."""
    try:
        with transaction.atomic():
            _insert(model, fields, made)
    except (DataError, IntegrityError):
        for row in made:
            try:
                with transaction.atomic():
                    _insert(model, fields, [row])
            except (DataError, IntegrityError) as error:
                why = str(error).splitlines()[0]
                raise BackupFailed(
                    "row_refused",
                    f"the database does not take the row {row.pk} of {model._meta.label_lower}: {why}. "
                    "Change it at the old site, and try again.",
                ) from None
        raise


def _insert(model: Model, fields: list[models.Field], made: list[models.Model]) -> None:
    # `bulk_create` would set the times of creation anew; `raw` leaves them, as loading of fixtures does row by row.
    model._base_manager._insert(made, fields=fields, raw=True, using=connection.alias)  # type: ignore[attr-defined]


def _line(values: list[Any]) -> bytes:
    return json.dumps(values, sort_keys=True, separators=(",", ":"), default=_plain).encode()


def _plain(value: Any) -> str:
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(bytes(value)).decode()
    if isinstance(value, uuid.UUID | decimal.Decimal | datetime.timedelta):
        return str(value)
    raise TypeError(f"a backup has no way to write {type(value).__name__}")


def _read(field: models.Field, value: Any) -> Any:
    if _is_json(field):
        # None is a JSON null where the column takes no other.
        return models.Value(None, models.JSONField()) if value is None and not field.null else value
    return None if value is None else field.to_python(value)


def _is_json(field: models.Field) -> bool:
    return isinstance(field, models.JSONField)


def _comparable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _comparable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_comparable(each) for each in value]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) + 0.0 if is_number else value
