"""What a browser does with each server: open, perhaps upload, ask, read until the reply has ended."""

from collections.abc import Callable

import aiohttp

from benchmarks.visitors.base import Visitor
from benchmarks.visitors.gradio import GradioVisitor
from benchmarks.visitors.mmchat import MmchatVisitor
from benchmarks.visitors.relay import RelayVisitor

# Each is made with a session, the server's address, the model's name, and whether sockets are compressed.
VISITORS: dict[str, Callable[[aiohttp.ClientSession, str, str, bool], Visitor]] = {
    "mmchat": MmchatVisitor,
    "mmchat-2": MmchatVisitor,
    "gradio": GradioVisitor,
    "gradio-lifted": GradioVisitor,
    "relay": RelayVisitor,
}
