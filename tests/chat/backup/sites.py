"""Sites to back up and to restore: folders and databases of a test's own, filled, and written to meanwhile."""

import contextlib
import secrets
import sqlite3
import threading

import psycopg

from tests import parts
from tests.running import Site, wait_until

FILL = """
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from chat.models import Image, Message, SiteText
from tests.chat.admin.rows import make_everything
from tests.feedback.stories import exchange, make_conversation
reply = make_everything("文字 \\\\ \\"quoted\\" \\r\\n <b>")
for number in range(150):
    exchange(reply.conversation, f"{number}? " * 20, "word " * 200)
for image in Image.objects.all():
    for field in ("file", "jpeg", "thumbnail"):
        getattr(image, field).delete(save=False)
        name = default_storage.save(f"{field}s/{image.pk}.bin", ContentFile(f"{field} {image.pk}".encode() * 5000))
        setattr(image, field, name)
    image.save()
Message.objects.filter(pk=reply.pk).update(parameters={"temperature": 0.2, "b": [1, 2.5, None, True], "a": {}})
"""


@contextlib.contextmanager
def postgresql():
    """Give the address of an empty database that goes afterwards."""
    name = f"mmchat_backup_{secrets.token_hex(4)}"
    with parts.postgresql() as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        try:
            yield url.rpartition("/")[0] + f"/{name}" + (f"?{url.partition('?')[2]}" if "?" in url else "")
        finally:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def site_at(folder, url=None):
    """Give a site that does not run: its commands only."""
    folder.mkdir(parents=True, exist_ok=True)
    return Site(folder, environment={"DATABASE_URL": url} if url else None)


def filled(folder):
    """Give a site on SQLite with rows of every kind, and files."""
    site = site_at(folder)
    site.begin_with_tables()
    done(site.manage("shell", "-v", "0", "--no-imports", "-c", FILL))
    return site


def done(process):
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


def connect(site):
    url = site.environment.get("DATABASE_URL")
    if url:
        return psycopg.connect(url, autocommit=True)
    return sqlite3.connect(site.folder / "mmchat.sqlite3", timeout=60, isolation_level=None)


def ask(site, sql):
    with contextlib.closing(connect(site)) as connection:
        return connection.execute(sql).fetchall()


def files_of(site):
    """Give {name: bytes} of the media folder."""
    media = site.folder / "media"
    return {str(path.relative_to(media)): path.read_bytes() for path in media.rglob("*") if path.is_file()}


@contextlib.contextmanager
def written_to(site, label):
    """Write two rows of two tables in each transaction, as fast as it goes; give how many pairs there are."""
    pairs, ends = [0], threading.Event()

    def write():
        with contextlib.closing(connect(site)) as connection:
            while not ends.is_set():
                number = pairs[0]
                connection.execute("BEGIN")
                connection.execute(f"INSERT INTO auth_group (name) VALUES ('{label} {number}')")
                connection.execute(
                    "INSERT INTO chat_embeddingsite (origin, note, created) "
                    f"VALUES ('{label} {number}', '', '2026-01-01 00:00:00+00:00')"
                )
                connection.execute("COMMIT")
                pairs[0] += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        wait_until(lambda: pairs[0] > 5 or not thread.is_alive(), 60)
        yield pairs
    finally:
        ends.set()
        thread.join()
    assert pairs[0] > 5
