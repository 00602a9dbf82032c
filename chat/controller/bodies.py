"""The bodies that workers post: checked here, so that nothing else needs to doubt them."""

from typing import Annotated, Any, Literal

import msgspec

# No control characters: PostgreSQL stores no NUL, and none belongs in a name.
_NAME = r"\A[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*\Z"
MAX_BYTES = 64 * 1024

Address = Annotated[str, msgspec.Meta(min_length=1, max_length=300, pattern=_NAME)]
ModelName = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=_NAME)]
QueueLength = Annotated[int, msgspec.Meta(ge=-1_000_000, le=1_000_000)]


class Status(msgspec.Struct):
    """What a worker says of itself. `speed` weighs its queue: twice as fast, half as long.

    `protocol` is what our own model worker adds: it speaks one that its model's name does not tell.
    """

    model_names: Annotated[list[ModelName], msgspec.Meta(max_length=100)]
    speed: Annotated[float, msgspec.Meta(gt=0, le=1_000_000)]
    queue_length: QueueLength
    protocol: Literal["", "llava", "internvl2", "fastchat"] = ""


class Register(msgspec.Struct):
    """`worker_name` is the worker's base URL. Without a status the controller asks the worker for it.

    `multimodal` is what FastChat's workers say of themselves, and no others.
    """

    worker_name: Address
    check_heart_beat: bool
    worker_status: dict[str, Any] | None = None
    multimodal: bool | None = None


class HeartBeat(msgspec.Struct):
    worker_name: Address
    queue_length: QueueLength


class WhichWorker(msgspec.Struct):
    model: str


def decode(body: bytes, kind: type[msgspec.Struct]) -> Any:
    """Parse and check a body. Raises ValueError with words for the worker's log."""
    try:
        return msgspec.json.decode(body, type=kind)
    except UnicodeDecodeError:
        raise ValueError("The body is not UTF-8.") from None
    except RecursionError:
        raise ValueError("The body is nested too deeply.") from None
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from None


def status_in(register: Register) -> Status | None:
    """Give the status that came with a registration, None when there was none. Raises ValueError."""
    if not register.worker_status:
        return None
    try:
        return msgspec.convert(register.worker_status, Status)
    except msgspec.ValidationError as error:
        raise ValueError(f"{error} - in `worker_status`") from None
