import uuid

import pytest
from django.test import Client

from chat.images.pool import DecoderPool
from chat.models import Visitor
from chat.visitors import COOKIE, cookie_for

PIXELS, SIDE = 25_000_000, 8192


@pytest.fixture(scope="session")
def pool():
    """Two children with the limits of the site, shared by the tests that do them no harm."""
    pool = DecoderPool(memory_bytes=1056 * 2**20)
    yield pool
    pool.close()


@pytest.fixture(scope="session")
def decode(pool):
    return lambda data, pixels=PIXELS, side=SIDE: pool.decode(data, pixels=pixels, side=side)


@pytest.fixture
def make_pool():
    """Make pools that a test may break."""
    pools = []

    def make(**options):
        pools.append(DecoderPool(**{"memory_bytes": 1056 * 2**20, "children": 1, **options}))
        return pools[-1]

    yield make
    for pool in pools:
        pool.close()


class Media:
    """The folder in which the site keeps pictures."""

    def __init__(self, folder):
        self.folder = folder

    def files(self):
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())


@pytest.fixture
def use_storage(settings):
    def use(folder, backend="django.core.files.storage.FileSystemStorage"):
        settings.STORAGES = {
            **settings.STORAGES,
            "default": {"BACKEND": backend, "OPTIONS": {"location": str(folder)}},
        }

    return use


@pytest.fixture(autouse=True)
def media(use_storage, tmp_path):
    use_storage(tmp_path / "media")
    return Media(tmp_path / "media")


@pytest.fixture
def visitor(db):
    return Visitor.objects.create()


@pytest.fixture
def other(db):
    return Visitor.objects.create()


@pytest.fixture
def browser_of():
    """Give the browser of a visitor, or of somebody new; it checks CSRF as the site does."""

    def browser(visitor=None, **options):
        client = Client(**options)
        client.cookies[COOKIE] = cookie_for(visitor.key if visitor else uuid.uuid4())
        return client

    return browser
