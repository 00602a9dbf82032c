"""From a stored reply to the request that its worker gets: prompt, images, parameters."""

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from chat.conversations import branch
from chat.images.preprocess import original_jpeg, prepared
from chat.models import Image, Message, Role
from chat.prompts.families import FAMILIES
from chat.prompts.messages import messages as chat_messages
from chat.prompts.render import Turn, render
from chat.registry import protocol_of, template_of
from chat.workers.protocols import PROTOCOLS, GenerationRequest

log = logging.getLogger(__name__)
