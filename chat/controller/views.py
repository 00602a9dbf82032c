"""The calls of a LLaVA, InternVL or FastChat controller: JSON in, JSON out, behind a secret in the path."""

from collections.abc import Callable

import msgspec
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.csrf import csrf_exempt

from chat.controller import bodies, workers
from chat.workers.errors import WorkerError

View = Callable[[HttpRequest, str], HttpResponse]


def _call(kind: type[msgspec.Struct] | None = None) -> Callable[[Callable[..., object]], View]:
    """Make a view of a function that takes a checked body, if it has a `kind`, and gives the answer.

    ValueError and WorkerError become a 400.
    """

    def decorate(function: Callable[..., object]) -> View:
        @csrf_exempt
        def view(request: HttpRequest, secret: str) -> HttpResponse:
            if not constant_time_compare(secret, settings.MMCHAT_WORKER_SECRET):
                raise Http404
            if request.method != "POST":
                return HttpResponseNotAllowed(["POST"])
            try:
                arguments = [bodies.decode(_body(request), kind)] if kind else []
                return JsonResponse(function(*arguments), safe=False)
            except WorkerError as error:
                return _refusal(error.code, error.detail)
            except ValueError as error:
                return _refusal("bad_body", str(error))

        return view

    return decorate


def _body(request: HttpRequest) -> bytes:
    """Read the body. Raises ValueError when it is too large."""
    too_large = f"The body is larger than {bodies.MAX_BYTES} bytes."
    try:
        body = request.body
    except RequestDataTooBig:
        raise ValueError(too_large) from None
    if len(body) > bodies.MAX_BYTES:
        raise ValueError(too_large)
    return body


def _refusal(code: str, text: str) -> HttpResponse:
    return JsonResponse({"error": {"code": code, "text": text, "field": None, "limit": None}}, status=400)


@_call(bodies.Register)
def register_worker(body: bodies.Register) -> None:
    workers.register(
        body.worker_name,
        checks_heartbeat=body.check_heart_beat,
        status=bodies.status_in(body),
        multimodal=body.multimodal,
    )


@_call(bodies.HeartBeat)
def receive_heart_beat(body: bodies.HeartBeat) -> dict[str, bool]:
    return {"exist": workers.heartbeat(body.worker_name, body.queue_length)}


@_call()
def refresh_all_workers() -> None:
    workers.refresh_all()


@_call()
def list_models() -> dict[str, list[str]]:
    return {"models": workers.list_models()}


@_call()
def list_multimodal_models() -> dict[str, list[str]]:
    return {"models": workers.list_models(multimodal=True)}


@_call()
def list_language_models() -> dict[str, list[str]]:
    return {"models": workers.list_models(multimodal=False)}


@_call(bodies.WhichWorker)
def get_worker_address(body: bodies.WhichWorker) -> dict[str, str]:
    return {"address": workers.pick_address(body.model)}
