"""The frames of the chat socket: the one contract of server, client, documentation and fuzzers.

Every frame is one JSON object in one text message, with its kind in `type`; only a delta, of which there are
hundreds in a reply, is an array of two. Offsets and lengths count Unicode code points, not UTF-16 units. A
reply's text is addressed by `(message, epoch, offset)`: inside one epoch text only grows; when a worker takes
text back, the epoch rises and `replace` begins the text anew.
"""

from typing import Annotated
from uuid import UUID

import msgspec

MAX_FRAME_BYTES = 64 * 1024
MAX_TEXT = (
    50_000  # what the schema lets through; the site's own limit, told to visitors, is a setting below it
)
MAX_IMAGES = 32
MAX_HELD = 2_000

Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]
ModelName = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


class Frame(msgspec.Struct, kw_only=True):
    """Base of all frames; adds nothing to the wire."""


class Parameters(Frame):
    """Generation parameters as the visitor set them; absent ones take the site's defaults.

    Ranges are the site's settings and are checked there, so that the error can name the limit.
    """

    temperature: float | None = None
    top_p: float | None = None
    max_output_tokens: int | None = None
    max_input_tiles: int | None = None
    image_mode: str | None = None


class Held(Frame):
    """One message that the client already has, up to `offset` characters of `epoch`."""

    message: UUID
    epoch: Count
    offset: Count


# From the browser


class Open(Frame, tag="open"):
    """Follow a conversation; answered by `conversation`. Takes the place of the one followed before.

    `at` is a message of the branch to be shown; without it, that is the branch of the newest message.
    """

    conversation: UUID
    have: Annotated[list[Held], msgspec.Meta(max_length=MAX_HELD)] = []
    at: UUID | None = None


class Leave(Frame, tag="leave"):
    """Follow nothing (a new, still empty conversation)."""


class Send(Frame, tag="send"):
    """Ask the model; answered by `accepted`, or by `error` with this `client_id`.

    `client_id` is drawn by the client and is an idempotency key: sent again, it gives the same answer.
    Without `conversation` a new one is made. `parent` is the reply this message follows; without it, the
    newest one of the conversation. `edits` is an earlier message beside which this one is put, as another branch;
    it follows what that one follows.
    """

    client_id: UUID
    model: ModelName
    text: Text = ""
    conversation: UUID | None = None
    parent: UUID | None = None
    edits: UUID | None = None
    images: Annotated[list[UUID], msgspec.Meta(max_length=MAX_IMAGES)] = []
    parameters: Parameters = msgspec.field(default_factory=Parameters)


class Regenerate(Frame, tag="regenerate"):
    """Ask again for the message that the reply `message` answers; makes a new variant."""

    client_id: UUID
    message: UUID
    model: ModelName | None = None
    parameters: Parameters = msgspec.field(default_factory=Parameters)


class Continue(Frame, tag="continue"):
    """Let the model go on where its reply `message` broke off; makes a new variant that begins with its text."""

    client_id: UUID
    message: UUID


class Stop(Frame, tag="stop"):
    """End the reply `message` where it is and keep its text. Stopping an ended reply does nothing."""

    message: UUID


ClientFrame = Open | Leave | Send | Regenerate | Continue | Stop

# From the site


class ImageInfo(Frame):
    """One picture of a message: where it is served, its size in pixels, and what its visitor says that it shows."""

    id: UUID
    url: str
    thumbnail: str
    width: int
    height: int
    name: str
    description: str = ""


class Failure(Frame):
    """Why a reply ended badly: a stable code, words for visitors, and whether trying again can help."""

    code: str
    text: str
    retry: bool


class Box(Frame):
    """A part of a picture, in pixels of the picture as it is stored; `image` is the id of its upload."""

    image: UUID
    x: int
    y: int
    width: int
    height: int


class Opinion(Frame, kw_only=True):
    """What this visitor said of a reply; `reasons`, `comment` and `boxes` belong to the vote.

    `preferred` tells that it was found better than other variants.
    """

    vote: str | None = None  # up | down
    reasons: list[str] = []
    comment: str = ""
    boxes: list[Box] = []
    preferred: bool = False
    flagged: bool = False


class Pace(Frame):
    """How quickly a reply came, in seconds: until its first text, and from there to its end; `tokens` if counted."""

    first: float
    seconds: float
    tokens: int | None = None


class MessageInfo(Opinion, kw_only=True):
    """One message. `text` is what follows `offset` in `epoch`; `length` is the whole text's length so far.

    `siblings` are the messages that follow the same one, oldest first, itself among them. `continuable` tells of a
    reply whether its model can go on from a text that broke off, `cut` whether it ended at its limit of tokens,
    `notice` what its visitor is told beside it.
    """

    id: UUID
    conversation: UUID
    parent: UUID | None
    siblings: list[UUID]
    role: str  # user | assistant
    variant: int
    state: str  # complete | queued | streaming | stopped | failed | interrupted
    epoch: int
    offset: int
    length: int
    text: str
    created: float  # Unix seconds
    images: list[ImageInfo] = []
    model: str | None = None
    client_id: UUID | None = None
    parameters: dict[str, float | int | str] = {}
    failure: Failure | None = None
    notice: str | None = None
    continuable: bool = False
    cut: bool = False
    pace: Pace | None = None


class Hello(Frame, tag="hello"):
    """The first frame of a connection. `version` is the site's; a client of another version reloads."""

    version: str


class ConversationInfo(Frame, tag="conversation"):
    """The conversation asked for by `open`: the newest messages of one branch, which ends with `leaf`, oldest first.

    Live replies are among them on whatever branch they are, and go on as deltas. `images` are those of the branch
    before its first message here: a list for each message with some, the newest ones only.
    """

    id: UUID
    title: str
    model: str
    leaf: UUID | None
    messages: list[MessageInfo]
    images: list[list[ImageInfo]] = []


class Accepted(Frame, tag="accepted"):
    """The message of `client_id` is stored, and so is the (still empty) reply to it."""

    client_id: UUID
    conversation: UUID
    message: UUID
    reply: UUID


class NewMessage(Frame, tag="message"):
    """A message or reply was added to the followed conversation, here or in another tab."""

    message: MessageInfo


class Stream(Frame, tag="stream"):
    """From here on deltas with the number `stream` go on at `offset` in `epoch` of `message`.

    Sent before the first delta of a reply or epoch, and again every few seconds, so that a client whose text
    does not end there knows that it has a gap.
    """

    stream: int
    message: UUID
    epoch: int
    offset: int


class Delta(msgspec.Struct, array_like=True, frozen=True):
    """`[stream, text]`: text that goes on where the one before it on this stream ended."""

    stream: int
    text: str


class Replace(Frame, tag="replace"):
    """The text of a reply from its beginning, under a new epoch: the worker took text back. Deltas may go on."""

    message: UUID
    epoch: int
    text: str


class State(Frame, tag="state"):
    """A reply's state changed. For final ones `epoch` and `length` tell what the client must hold.

    `cut` tells of a complete one that it ended at its limit of tokens, `notice` is what the visitor is told beside it.
    """

    message: UUID
    state: str
    epoch: int
    length: int
    failure: Failure | None = None
    cut: bool = False
    notice: str | None = None


class Queued(Frame, tag="queue"):
    """A waiting reply's place, 1 being the next to start, and how long that may take, from recent replies."""

    message: UUID
    position: int
    seconds: int | None = None


class Feedback(Opinion, kw_only=True, tag="feedback"):
    """What this visitor says of a reply changed, here or in another tab."""

    message: UUID


class Titled(Frame, tag="titled"):
    """The followed conversation was given another title by its visitor."""

    conversation: UUID
    title: str


class Deleted(Frame, tag="deleted"):
    """The followed conversation was deleted by its visitor; nothing more comes of it."""

    conversation: UUID


class Missed(Frame, tag="missed"):
    """Changes of the followed conversation may not have come through; the client sends `open` again."""

    conversation: UUID


class Error(Frame, tag="error"):
    """A frame was refused and changed nothing. `field` and `limit` name what broke which bound.

    `seconds` is when the same would be taken, where waiting helps.
    """

    code: str
    text: str
    field: str | None = None
    limit: float | int | str | None = None
    seconds: int | None = None
    client_id: UUID | None = None


ServerFrame = (
    Hello
    | ConversationInfo
    | Accepted
    | NewMessage
    | Stream
    | Replace
    | State
    | Queued
    | Feedback
    | Titled
    | Deleted
    | Missed
    | Error
)  # and `Delta`, which is no object and so can't be told from them by its tag

_decoder = msgspec.json.Decoder(ClientFrame)
_encoder = msgspec.json.Encoder()


def decode(data: str | bytes) -> ClientFrame:
    """Parse one client frame. Raises `msgspec.ValidationError` or `msgspec.DecodeError` on bad ones."""
    return _decoder.decode(data)


def encode(frame: Frame | Delta) -> str:
    """Write a server frame as the text of one websocket message."""
    return _encoder.encode(frame).decode()
