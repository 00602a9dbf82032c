"""What visitors are told that a model saw is, byte by byte, what its worker got."""

import asyncio
import base64
import re
import uuid
from urllib.parse import urljoin

import pytest
from PIL import Image

from tests.browser.scripted_worker import Failure, ScriptedWorker
from tests.openai_double import OpenAI
from tests.running import Site
from tests.visitor import Visitor

MODELS = {"llava": "llava-v1.6-7b", "internvl2": "InternVL2-8B", "openai": "org/vision"}
TYPED = "Is <image> or </s>USER: or <|im_end|> in it?"


@pytest.fixture(scope="module")
def own_site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("inspection"), environment={"MMCHAT_LIMITS": "off"}).start()
    yield site
    site.remove()


@pytest.fixture(scope="module")
def workers(own_site):
    """Give, by protocol, a worker that records what it is asked."""
    classic, server = ScriptedWorker(MODELS["llava"], MODELS["internvl2"]), OpenAI(MODELS["openai"])
    classic.register(re.search(r"workers register +(\S+)", own_site.log)[1])
    row = {"name": "server", "url": server.url, "kind": "openai"}
    code = (
        "from chat.models import Backend\nfrom chat.registry import read_lists\n"
        f"Backend.objects.create(**{row!r})\nread_lists()"
    )
    done = own_site.manage("shell", "-v", "0", "-c", code)
    assert done.returncode == 0, done.stderr
    yield {"llava": classic, "internvl2": classic, "openai": server}
    classic.close()
    server.close()


@pytest.fixture(params=list(MODELS))
def protocol(request):
    return request.param


@pytest.fixture
def worker(workers, protocol):
    worker = workers[protocol]
    worker.requests.clear()
    return worker


@pytest.fixture
def visitor(own_site):
    return Visitor(own_site.url)


def picture(width, height, colour="red"):
    return Image.new("RGB", (width, height), colour)


async def answered(page, accepted):
    assert accepted["type"] == "accepted", accepted
    return await page.until_ended(accepted["reply"])


def inspected(visitor, reply):
    answer = visitor.http.get(f"{visitor.url}/replies/{reply['id']}/")
    assert answer.status_code == 200, answer.text
    return answer.json()


def without_pictures(request):
    """Give what a worker got with each picture's place empty, and the pictures in order."""
    pictures = []

    def emptied(value, key=""):
        if isinstance(value, dict):
            return {name: emptied(each, name) for name, each in value.items()}
        if isinstance(value, list):
            return [emptied(each, key) for each in value]
        if key in ("url", "image", "images"):
            pictures.append(base64.b64decode(value.rpartition(",")[2]))
        return "" if key in ("url", "image", "images", "org_images") else value

    return emptied(request), pictures


def check(visitor, reply, request):
    told = inspected(visitor, reply)
    assert (told["verdict"], told["text"]) == ("exact", "This is exactly what was sent.")
    bare, pictures = without_pictures(request)
    assert told["request"] == bare
    served = [visitor.http.get(urljoin(visitor.url, each["url"])) for each in told["pictures"]]
    assert [answer.status_code for answer in served] == [200] * len(pictures)
    assert [answer.content for answer in served] == pictures
    return told


def text_of(told):
    return ["".join(text for text, _ in part["pieces"]) for part in told["prompt"]]


@pytest.mark.parametrize("mode", ["Default", "Pad", "Resize"])
async def test_each_turn_is_told_as_its_worker_got_it(visitor, worker, protocol, mode):
    sizes = ((300, 200), (90, 400), (64, 64))
    images = [(await asyncio.to_thread(visitor.upload, picture(*size)))["id"] for size in sizes]
    values = {"image_mode": mode, "temperature": 0.4, "max_input_tiles": 7}
    model = MODELS[protocol]
    async with visitor.socket() as page:
        one = await answered(page, await page.ask(TYPED, model, images=images[:2], parameters=values))
        place = {"conversation": one["conversation"], "parent": one["id"]}
        two = await answered(
            page, await page.ask("And this?", model, images=images[2:], parameters=values, **place)
        )
    for reply, request, count in zip((one, two), worker.requests, (2, 3), strict=True):
        told = await asyncio.to_thread(check, visitor, reply, request)
        assert len(told["pictures"]) == count
        prompt = request.get("prompt")
        if isinstance(prompt, str):
            assert text_of(told) == [prompt]
        elif prompt:
            assert text_of(told) == [message["content"] for message in prompt]
            cut = [each["tiles"]["columns"] * each["tiles"]["rows"] for each in told["pictures"]]
            assert max(cut[: count - 1] if count == 3 else cut) <= (1 if count == 3 else 3)


async def again(page, type, reply, **fields):
    await page.send(type, client_id=str(uuid.uuid4()), message=reply["id"], **fields)
    return await answered(page, await page.expect("accepted"))


async def test_variants_branches_and_continued_replies_are_each_told_as_they_were_asked(visitor, workers):
    worker, model = workers["llava"], MODELS["llava"]
    worker.requests.clear()
    worker.will_say("A first half", Failure("broken"))
    async with visitor.socket() as page:
        broken = await answered(page, await page.ask("Say much", model))
        continued = await again(page, "continue", broken)
        variant = await again(page, "regenerate", broken, parameters={"temperature": 0.1})
        place = {"conversation": broken["conversation"]}
        after = await answered(page, await page.ask("More", model, parent=continued["id"], **place))
        edited = await answered(page, await page.ask("Say little", model, edits=broken["parent"], **place))
    replies = (broken, continued, variant, after, edited)
    for reply, request in zip(replies, worker.requests, strict=True):
        await asyncio.to_thread(check, visitor, reply, request)
    assert worker.requests[1]["prompt"].endswith("A first half")


async def test_another_visitors_reply_and_a_deleted_one_do_not_exist(own_site, visitor, workers):
    async with visitor.socket() as page:
        reply = await answered(page, await page.ask("hello", MODELS["llava"]))
    path = f"/replies/{reply['id']}/"
    assert visitor.http.get(visitor.url + path).status_code == 200
    answer = Visitor(own_site.url).http.get(visitor.url + path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    visitor.post(f"/c/{reply['conversation']}/delete/").raise_for_status()
    assert visitor.http.get(visitor.url + path).status_code == 404
