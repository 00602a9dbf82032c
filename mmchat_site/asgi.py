"""The ASGI application: pages by Django, sockets by Channels, and the life of this process's engine."""

import asyncio
import logging
import os
import sys
import warnings
from collections.abc import Awaitable, Callable
from typing import Any

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mmchat_site.settings")
_pages = get_asgi_application()

from chat.chores import CHORES  # noqa: E402 - models need the loaded apps
from chat.generation.engine import close_engine, running_engine  # noqa: E402
from chat.images.body_limit import BodyLimit  # noqa: E402
from chat.metrics import tell_version  # noqa: E402
from chat.routing import websocket  # noqa: E402
from chat.scraping import answering_the_others  # noqa: E402
from chat.views.errors import before_django  # noqa: E402
from feedback.dashboard.hours import CLOSING  # noqa: E402
from feedback.exporter import Exporter  # noqa: E402
from mmchat_site import __version__  # noqa: E402
from mmchat_site.handshakes import RefuseWhileDraining  # noqa: E402
from mmchat_site.memory import leave_what_is_loaded_to_itself  # noqa: E402

log = logging.getLogger(__name__)
# WhiteNoise gives plain iterators, which Django then reads in a thread: right, if not ideal.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")
# The event loop must not wait 5 ms for a database thread at each of a stream's steps. While a hundred conversations
# start in a second, this takes the first text from 440 to 125 ms (p99) and costs no measurable CPU.
sys.setswitchinterval(0.0002)
tell_version(__version__)
CHORES["hours"] = CLOSING
Message = dict[str, Any]


async def _lifespan(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """Start the engine before the first request, and close it after the last.

    A server without lifespan events (daphne) starts it with the first socket instead.
    """
    exporter = Exporter()
    async with answering_the_others():
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    await running_engine()
                    exporter.start()
                    leave_what_is_loaded_to_itself()
                except asyncio.CancelledError:
                    await close_engine()  # told to end before it had begun
                    return
                except Exception as error:
                    log.exception("the engine could not start")
                    await send({"type": "lifespan.startup.failed", "message": str(error)})
                    return
                await send({"type": "lifespan.startup.complete"})
            else:
                await asyncio.to_thread(exporter.stop)
                await close_engine()
                await send({"type": "lifespan.shutdown.complete"})
                return


application = ProtocolTypeRouter(
    {
        "http": BodyLimit(_pages, before_django),
        "websocket": RefuseWhileDraining(websocket),
        "lifespan": _lifespan,
    }
)
