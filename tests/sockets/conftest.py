import pytest

from tests.visitor import Visitor


@pytest.fixture
def visitor(site, model):
    return Visitor(site.url)


@pytest.fixture
def stranger(site, model):
    return Visitor(site.url)
