"""Make a site as an older version left it: its tables, rows of its kinds, and an archive; run by `manage.py shell`."""

from pathlib import Path

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from chat.backup import backing_up, tables, versions
from chat.backup.archive import Writer

CONTRIB = ("admin", "auth", "contenttypes", "sessions")


def make(targets, archive):
    """Migrate to `targets`, [app, migration] each, store one row of each kind and write an archive of it."""
    executor = MigrationExecutor(connection)
    leaves = [key for key in executor.loader.graph.leaf_nodes() if key[0] in CONTRIB]
    executor.migrate([*leaves, *map(tuple, targets)])
    loader = MigrationExecutor(connection).loader
    had = sorted(list(key) for key in loader.applied_migrations)
    apps = loader.project_state(versions.newest(had)).apps
    _fill(apps)
    kinds = tables.tables(apps)
    columns = {name: [field.attname for field in tables.columns(model)] for name, model in kinds.items()}
    head = {"created": "then", "database": "?", "migrations": had, "key": "", "columns": columns}
    writer, told = Writer(Path(archive), head), {"tables": {}, "missing": 0}
    for name, model in kinds.items():
        tally = tables.Tally()
        writer.table(name, backing_up._counted(model, tally))
        told["tables"][name] = tally.told()
    backing_up._add_files(writer, kinds)
    writer.close({**told, "media": writer.media.told()})


def _fill(apps):
    def make(app, kind, **fields):
        return apps.get_model(app, kind).objects.create(**fields)

    now = timezone.now()
    person = make("auth", "User", username="old-hand", is_staff=True)
    visitor = make("chat", "Visitor", address_hash="a" * 64, terms_version="1")
    model = make("chat", "ChatModel", name="llava-old")
    talk = {"visitor": visitor, "model": model, "updated": now}
    conversation = make("chat", "Conversation", title="旧对话", **talk)
    named = {"conversation": conversation, "text": "What is this?", "role": "user", "state": "complete"}
    question = make("chat", "Message", position=0, **named)
    of_reply = {"role": "assistant", "text": "A cat.", "model": model, "parent": question, "finished": now}
    reply = make("chat", "Message", position=1, **(named | of_reply))
    name = default_storage.save("images/ab/old.png", ContentFile(b"old picture"))
    about = {"difference_hash": -5, "source_format": "PNG", "file": name, "thumbnail": name, "bytes": 11}
    image = make("chat", "Image", md5="b" * 32, width=4, height=3, **about)
    upload = make("chat", "Upload", visitor=visitor, image=image, name="old.png")
    make("chat", "MessageImage", message=question, upload=upload, position=0)
    make("chat", "ModerationEvent", message=question, check_name="moderations", outcome="refused")
    make("chat", "AuditEntry", actor=person, action="export", target="feedback", detail={"n": 1})
    make("chat", "Backend", name="outside", url="http://127.0.0.1:21001")
    make("feedback", "Vote", visitor=visitor, message=reply, value="up", reasons=["accurate"], comment="good")
    make("feedback", "Flag", visitor=visitor, message=reply, reason="harmful", comment="bad", reviewer=person)
