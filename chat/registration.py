"""Register a backend by its address, once however often it is asked for."""

from typing import NamedTuple
from urllib.parse import urlsplit

from django.db import transaction
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from chat.backends import KEY_NAME_WORDS, KEY_VARIABLE, Checked, CheckFailed, check
from chat.detection import detect
from chat.models import AuditEntry, Backend
from chat.registry import store_checked
from chat.workers.addresses import objection_to
from chat.workers.openai import bases_of

KIND_MISSING = _("Give the kind: it is found out only where the server is asked.")


class Registered(NamedTuple):
    """A backend that is stored now; `checked` is None where it was not asked, `program` says what answered."""

    backend: Backend
    created: bool
    checked: Checked | None
    program: str | Promise


def register(
    url: str,
    *,
    name: str = "",
    key_variable: str = "",
    kind: str = "",
    taken: str = "",
    unchecked: bool = False,
) -> Registered:
    """Ask the server at `url`, and store it as a backend or bring the one of this address up to date.

    Without `kind` it is found out. What is empty stays as it is stored. Raises CheckFailed, and stores nothing then.
    """
    url = url.strip().rstrip("/")
    if reason := objection_to(url):
        raise CheckFailed("worker_address_forbidden", _("This address can't be used."), "url", reason)
    if key_variable and not KEY_VARIABLE.fullmatch(key_variable):
        raise CheckFailed("worker_key_missing", KEY_NAME_WORDS, "key_variable")
    stored = _stored(url)
    asked = Backend(
        url=url,
        kind=kind,
        key_variable=key_variable or (stored.key_variable if stored else ""),
        taken=taken or (stored.taken if stored else ""),
    )
    checked: Checked | None = None
    program: str | Promise = Backend.Kind(kind).label if kind else ""
    if unchecked:
        if not kind:
            raise CheckFailed("backend_kind_missing", KIND_MISSING, "kind")
        asked.url = stored.url if stored else url
    elif kind:
        checked = check(asked)
    else:
        asked.kind, program, checked = detect(asked)
    if checked:
        asked.url = checked.url
    with transaction.atomic():
        backend, created = _store(asked, stored, name)
        if checked:
            store_checked(backend, checked)
    return Registered(backend, created, checked, program)


def _stored(url: str) -> Backend | None:
    outside = Backend.objects.exclude(kind=Backend.Kind.BUILT_IN)
    return outside.filter(url__in={url, *bases_of(url)}).order_by("pk").first()


def _store(asked: Backend, stored: Backend | None, name: str) -> tuple[Backend, bool]:
    backend = stored or Backend()
    backend.url, backend.kind, backend.enabled = asked.url, asked.kind, True
    backend.key_variable, backend.taken = asked.key_variable, asked.taken
    backend.name = name or backend.name or _free_name(asked.url)
    if Backend.objects.filter(name=backend.name).exclude(pk=backend.pk).exists():
        text = _("Another backend is named {name}. Give another name.")
        raise CheckFailed("backend_name_taken", format_lazy(text, name=backend.name), "name")
    backend.save()
    AuditEntry.objects.create(
        action="change" if stored else "add", target=f"backend {backend.pk}", detail={"name": backend.name}
    )
    return backend, stored is None


def _free_name(url: str) -> str:
    """Name a backend by its host, and by its path where another one has that name."""
    parts = urlsplit(url)
    most = Backend._meta.get_field("name").max_length
    names = [name[:most] for name in (parts.netloc, parts.netloc + parts.path, url)]
    taken = set(Backend.objects.filter(name__in=names).values_list("name", flat=True))
    return next((name for name in names if name not in taken), names[0])
