"""List the protocols; a new one is a module and a line here."""

from .base import Chunk, GenerationRequest, PromptMessage, Protocol
from .internvl2 import INTERNVL2
from .llava import LLAVA

__all__ = ["PROTOCOLS", "Chunk", "GenerationRequest", "PromptMessage", "Protocol"]

PROTOCOLS: dict[str, Protocol] = {protocol.name: protocol for protocol in (LLAVA, INTERNVL2)}
