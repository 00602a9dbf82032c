"""Does each backend answer, and what does it serve?"""

from concurrent.futures import ThreadPoolExecutor

from chat.backends import CheckFailed, check
from chat.doctor.finding import Finding, ok, warning, wrong
from chat.models import Backend, Worker

_ASKED_AT_ONCE = 16
_MODELS = 3  # are named


def backends() -> list[Finding]:
    """Ask every enabled backend, all together, so that silent ones take no longer than one."""
    enabled = list(Backend.objects.filter(enabled=True))
    if not enabled:
        return [
            wrong(
                "No backend is enabled, so there are no models",
                "`manage.py add_backend URL`, or start the site without --controller-url and register workers with it.",
            )
        ]
    outside = [backend for backend in enabled if backend.kind != Backend.Kind.BUILT_IN]
    built_in = [_workers(backend) for backend in enabled if backend.kind == Backend.Kind.BUILT_IN]
    with ThreadPoolExecutor(_ASKED_AT_ONCE) as pool:
        return [*built_in, *pool.map(_asked, outside)]


def _workers(backend: Backend) -> Finding:
    fresh = list(Worker.objects.fresh())
    if fresh:
        names = sorted({str(name) for worker in fresh for name in worker.model_names})
        beating = "1 worker beats, and serves" if len(fresh) == 1 else f"{len(fresh)} workers beat, and serve"
        return ok(f"{backend.name}: {beating} {_named(names)}")
    silent = Worker.objects.count()
    text = f"{backend.name}: no worker beats" + (f"; {silent} have gone silent" if silent else "")
    return warning(text, "Start one with --controller-address and the address that `manage.py serve` prints.")


def _asked(backend: Backend) -> Finding:
    """Ask one; touches no database, for it runs in a thread of its own."""
    try:
        checked = check(backend)
    except CheckFailed as error:
        detail = f" ({error.detail})" if error.detail else ""
        state = warning if error.code == "backend_lists_nothing" else wrong
        return state(f"{backend.name} at {backend.url}: {error.code}{detail}", str(error.text))
    seconds = f"{checked.seconds * 1000:.0f} ms"
    if checked.url != backend.url:
        text = f"{backend.name} answers at {checked.url}, not at {backend.url}"
        return wrong(text, "Save it again in the administration, or `manage.py add_backend` its address.")
    return ok(f"{backend.name} answers in {seconds}, and serves {_named(checked.models)}")


def _named(names: list[str]) -> str:
    more = len(names) - _MODELS
    return ", ".join(names[:_MODELS]) + (f" and {more} more" if more > 0 else "")
