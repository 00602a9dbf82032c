"""Load a vision-language model and its processor with `transformers`."""

from importlib.util import find_spec
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor
from transformers.models.auto.processing_auto import PROCESSOR_MAPPING

from chat.model_worker.model import VisionModel
from chat.model_worker.options import Options

_MOST_REASON = 500


class CantLoad(Exception):
    """A model that can't be served; the text says why, in one line."""


def load(options: Options) -> VisionModel:
    """Load a model from a folder or the Hub; takes minutes for large ones. Raises `CantLoad`."""
    trust = options.trust_remote_code
    # Whoever starts it chooses model and revision: a folder of their own, or what the Hub has today.
    try:
        config = AutoConfig.from_pretrained(options.model, trust_remote_code=trust)  # nosec B615
        processor = _processor(options.model, config, trust)
        if not getattr(processor, "chat_template", None):
            raise CantLoad("it has no chat template, so it is none for conversations.")
        model = AutoModelForImageTextToText.from_pretrained(  # nosec B615
            options.model,
            dtype=options.dtype,
            device_map=options.device or _best_device(),
            trust_remote_code=trust,
        )
    # What libraries raise for files, formats, devices and memory has no common base below this one.
    except (ImportError, KeyError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise CantLoad(_reason(error)) from error
    return VisionModel(model, processor, options.limit_model_concurrency, options.seed)


def _processor(path: str, config: Any, trust: bool) -> Any:
    """Load the processor; of one that wants torchvision only for videos, without that, the part for pictures."""
    if find_spec("torchvision") is None and type(config) in PROCESSOR_MAPPING:
        kind = PROCESSOR_MAPPING[type(config)]
        if "video_processor" in kind.get_attributes():
            return _for_pictures(kind).from_pretrained(path)
    processor = AutoProcessor.from_pretrained(path, trust_remote_code=trust)  # nosec B615
    if not hasattr(processor, "image_processor"):
        raise CantLoad("it has no image processor, so it takes no pictures.")
    return processor


def _for_pictures(kind: Any) -> Any:
    """Give a processor's class without its videos: `transformers` makes one only with torchvision installed."""

    class ForPictures(kind):
        @classmethod
        def get_attributes(cls) -> list[str]:
            return [name for name in super().get_attributes() if name != "video_processor"]

    return ForPictures


def _best_device() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _reason(error: Exception) -> str:
    words = " ".join(str(error).split())
    return f"{words[:_MOST_REASON] or 'no reason given'} ({type(error).__name__})"
