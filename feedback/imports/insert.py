"""Insert many rows of one table by one statement: on PostgreSQL COPY, on SQLite a prepared one.

`bulk_create` makes an object of each row and a statement of each few hundred, which would take half of the time of
an import. Here a row is a dictionary.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from django.db import connection, models

Row = Mapping[str, Any]  # values by the name of the column


def insert(model: type[models.Model], rows: Sequence[Row]) -> None:
    """Insert these rows; columns that a row lacks have the default of their field."""
    if not rows:
        return
    fields = list(model._meta.concrete_fields)
    convert = [_converter(field) for field in fields]
    names = [str(field.column) for field in fields]
    defaults = {field.column: _default(field) for field in fields if not callable(field.default)}
    # A callable may give another value each time, so it is asked for each row that lacks one.
    given = {field.column: partial(_default, field) for field in fields if callable(field.default)}
    quote = connection.ops.quote_name
    table, columns = quote(model._meta.db_table), ", ".join(quote(name) for name in names)
    values = []
    for row in rows:
        whole = [
            row[name] if name in row else given[name]() if name in given else defaults[name] for name in names
        ]
        values.append([turn(value) if turn else value for turn, value in zip(convert, whole, strict=True)])
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for each in values:
                    copy.write_row(each)
        else:
            places = ", ".join(["%s"] * len(names))
            # Names of our own; what people wrote is in `values`.
            insert = f"INSERT INTO {table} ({columns}) VALUES ({places})"  # noqa: S608  # nosec B608
            cursor.executemany(insert, values)


def _default(field: models.Field) -> Any:
    """Give a field's default; where only the database has one, that, since each row is written whole."""
    is_the_databases = field.has_db_default() and not field.has_default()
    return field.db_default if is_the_databases else field.get_default()


def _converter(field: models.Field) -> Callable[[Any], Any] | None:
    """Give what brings a field's value into the database's form; None where it has that already."""
    target: models.Field = field
    while isinstance(target, models.ForeignKey):
        target = target.target_field
    if isinstance(target, models.UUIDField):
        return uuid_converter()
    if isinstance(target, models.DateTimeField):
        return connection.ops.adapt_datetimefield_value
    if isinstance(target, models.JSONField):
        return lambda value: target.get_db_prep_save(value, connection)
    return None


def uuid_converter() -> Callable[[uuid.UUID | None], Any] | None:
    """Give what brings an id into the database's form; None where it has that already."""
    return None if connection.features.has_native_uuid_field else _hexadecimal


def _hexadecimal(value: uuid.UUID | None) -> str | None:
    return value.hex if value else None
