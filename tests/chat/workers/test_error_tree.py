"""Every error has a stable code of its own."""

import re
from pathlib import Path

from chat.workers import errors


def classes(kind=errors.WorkerError):
    return [child for direct in kind.__subclasses__() for child in (direct, *classes(direct))]


def test_codes_are_one_to_a_class():
    own = [kind.code for kind in classes() if "code" in vars(kind)]

    assert len(own) == len(set(own))
    assert set(own) == errors.CODES
    assert all(re.fullmatch(r"[a-z]+[a-z0-9_]*", code) for code in errors.CODES)


def test_only_the_group_has_no_code():
    assert [kind for kind in classes() if "code" not in vars(kind)] == [errors.ControllerError]


def test_the_drawing_shows_every_class_with_its_code():
    drawn = dict(re.findall(r"[├└]── (\w+) +([a-z]\w+)", errors.WorkerError.__doc__))

    assert drawn == {kind.__name__: kind.code for kind in classes() if "code" in vars(kind)}


def test_an_error_shows_its_code_and_keeps_its_detail():
    error = errors.WorkerBusy("HTTP 429")

    assert (str(error), error.detail) == ("worker_busy: HTTP 429", "HTTP 429")
    assert str(errors.WorkerBusy()) == "worker_busy"


def test_the_libraries_import_neither_django_nor_the_rest_of_the_site():
    root = Path(errors.__file__).parents[1]
    sources = [*(root / "workers").rglob("*.py"), *(root / "prompts").rglob("*.py")]
    imported = {
        line.split()[1]
        for source in sources
        for line in source.read_text(encoding="utf-8").splitlines()
        if line.startswith(("import ", "from "))
    }

    assert not [name for name in imported if name.split(".")[0] in ("django", "channels", "chat", "feedback")]
