"""Who finds the administration: those in the host's networks, through no tunnel; it is not there for anybody else."""

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from chat.visitors import comes_from

NOWHERE = "/.nowhere/"


@sync_and_async_middleware
def admin_gate(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Let whoever may not know of the administration find nothing at its path, as at any other that is not there."""
    if iscoroutinefunction(get_response):

        async def pass_on(request: HttpRequest) -> HttpResponseBase:
            _look_at(request)
            return await get_response(request)

    else:

        def pass_on(request: HttpRequest) -> HttpResponseBase:  # type: ignore[misc]
            _look_at(request)
            return get_response(request)

    return pass_on


def _look_at(request: HttpRequest) -> None:
    """Point a request for what is closed to whoever asks where nothing is; without the last slash, too.

    An answer that is made here would lack the headers of what stands behind, and so tell itself apart.
    """
    path = f"{request.path_info}/"
    is_admin = path.startswith(f"/{settings.MMCHAT_ADMIN_PATH}/")
    if not is_admin and not path.startswith("/metrics/"):
        return
    # By the port and not by what a request says of itself.
    is_tunnelled = bool(settings.MMCHAT_SHARED_PORT) and request.META["SERVER_PORT"] == str(
        settings.MMCHAT_SHARED_PORT
    )
    is_elsewhere = (
        is_admin
        and settings.MMCHAT_ADMIN_NETWORKS
        and not comes_from(request, settings.MMCHAT_ADMIN_NETWORKS)
    )
    if is_tunnelled or is_elsewhere:
        request.path_info = NOWHERE
