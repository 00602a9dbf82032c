"""Every id in every frame, for two visitors: what is somebody else's is answered as what does not exist."""

import json
import uuid

import pytest
from msgspec import inspect
from PIL import Image

from tests.frames import KINDS
from tests.visitor import Page, Visitor

DRAWN_BY_CLIENTS = {"client_id"}  # it names what the sender made, together with who that is


def ids_of(kind, path):
    """Give the path of each id that a frame of this kind may hold."""
    match kind:
        case inspect.StructType():
            for field in kind.fields:
                if field.name not in DRAWN_BY_CLIENTS:
                    yield from ids_of(field.type, (*path, field.name))
        case inspect.UnionType():
            for each in kind.types:
                yield from ids_of(each, path)
        case inspect.ListType():
            yield from ids_of(kind.item_type, path)
        case inspect.UUIDType():
            yield path


EVERY = {path for kind in KINDS for path in ids_of(kind, (kind.tag,))}

# A frame that is right but for this one id; `own` is what the sender has. Whoever adds an id to a frame adds it here.
FRAMES = {
    ("open", "conversation"): lambda own, theirs: {"conversation": theirs["conversation"]},
    ("open", "at"): lambda own, theirs: {"conversation": own["conversation"], "at": theirs["reply"]},
    ("open", "have", "message"): lambda own, theirs: {
        "conversation": own["conversation"],
        "have": [{"message": theirs["reply"], "epoch": 0, "offset": 1}],
    },
    ("send", "conversation"): lambda own, theirs: {"conversation": theirs["conversation"]},
    ("send", "parent"): lambda own, theirs: {"conversation": own["conversation"], "parent": theirs["reply"]},
    ("send", "edits"): lambda own, theirs: {"conversation": own["conversation"], "edits": theirs["message"]},
    ("send", "images"): lambda own, theirs: {"images": [theirs["image"]]},
    ("regenerate", "message"): lambda own, theirs: {"message": theirs["reply"]},
    ("continue", "message"): lambda own, theirs: {"message": theirs["reply"]},
    ("stop", "message"): lambda own, theirs: {"message": theirs["reply"]},
}
OPENS = {("open", "at"), ("open", "have", "message")}  # their own conversation, as if the id were not there


async def life_of(visitor: Visitor, model: str) -> dict[str, str]:
    """Let a visitor send a picture, ask something and stop the reply; give the ids."""
    image = visitor.upload(Image.new("RGB", (40, 40)))["id"]
    async with visitor.socket() as page:
        accepted = await page.ask("count to 2000", model, images=[image])
        await page.until_text(accepted["reply"])
        await page.send("stop", message=accepted["reply"])
        await page.until_ended(accepted["reply"])
    return {**{name: accepted[name] for name in ("conversation", "message", "reply")}, "image": image}


async def answer(page: Page, path: tuple[str, ...], own: dict, theirs: dict, model: str) -> str:
    """Send the frame of `path`; give what is said to it, with the foreign ids and the frame's own taken out."""
    frame = {"type": path[0], **FRAMES[path](own, theirs)}
    if path[0] in ("send", "regenerate", "continue"):
        frame["client_id"] = str(uuid.uuid4())
    if path[0] == "send":
        frame |= {"model": model, "text": "hello"}
    await page.connection.send(json.dumps(frame))
    said = json.dumps(await page.expect("conversation" if path in OPENS else "error"))
    for known in (*theirs.values(), frame.get("client_id", "none")):
        said = said.replace(known, "ID")
    return said


def test_every_id_in_a_frame_is_tried():
    assert set(FRAMES) == EVERY


async def test_an_id_of_somebody_elses_is_answered_as_one_that_does_not_exist(visitor, stranger, model):
    theirs, own = await life_of(visitor, model), await life_of(stranger, model)
    nobodys = {name: str(uuid.uuid4()) for name in theirs}
    async with stranger.socket() as page, visitor.socket() as owner:
        for path in sorted(FRAMES):
            foreign = await answer(page, path, own, theirs, model)
            assert foreign == await answer(page, path, own, nobodys, model), path
            assert path in OPENS or '"not_found"' in foreign or '"image_unknown"' in foreign, path
        # The owner's own ids are known, or the answers above would prove nothing.
        for path in sorted(set(FRAMES) - OPENS):
            frame = {"type": path[0], **FRAMES[path](theirs, theirs)}
            if path[0] == "stop":
                continue  # it is answered by nothing when the reply has ended
            if path[0] in ("send", "regenerate", "continue"):
                frame["client_id"] = str(uuid.uuid4())
            if path[0] == "send":
                frame |= {"model": model, "text": "hello"}
            await owner.connection.send(json.dumps(frame))
            if path[0] == "open":
                assert (await owner.expect("conversation"))["id"] == theirs["conversation"]
            else:
                accepted = await owner.expect("accepted")
                await owner.until_ended(accepted["reply"])


@pytest.mark.parametrize("path", sorted(OPENS))
async def test_what_one_has_elsewhere_shows_nothing_of_it(visitor, stranger, model, path):
    theirs, own = await life_of(visitor, model), await life_of(stranger, model)
    async with stranger.socket() as page:
        await page.connection.send(json.dumps({"type": path[0], **FRAMES[path](own, theirs)}))
        shown = json.dumps(await page.expect("conversation"))
    assert own["reply"] in shown
    assert not [name for name in theirs.values() if name in shown]
