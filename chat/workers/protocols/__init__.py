"""List the protocols; a new one is a module and a line here."""

from .base import Chunk, GenerationRequest, PromptMessage, Protocol, Reader
from .fastchat import FASTCHAT
from .internvl2 import INTERNVL2
from .llava import LLAVA
from .openai import OPENAI

__all__ = ["PROTOCOLS", "Chunk", "GenerationRequest", "PromptMessage", "Protocol", "Reader"]

PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol for protocol in (LLAVA, INTERNVL2, FASTCHAT, OPENAI)
}
