"""The site in front of real servers: `transformers serve`, FastChat's controller and its worker."""

import asyncio
import json
import subprocess

import pytest
from PIL import Image

from chat import backends
from chat.models import Backend
from chat.prompts.fastchat import ConvTemplate, render_template
from chat.prompts.turns import Turn
from chat.workers.controller import conv_template
from tests.backends.conftest import PYTHON, environment, fastchat_worker
from tests.visitor import Visitor

Kind = Backend.Kind


def add(site, kind, url):
    code = f"""
from chat.models import Backend
from chat.registry import read_lists
Backend.objects.get_or_create(name={url!r}, url={url!r}, kind={str(kind)!r})
read_lists()
"""
    done = site.manage("shell", "-v", "0", "-c", code)
    assert done.returncode == 0, done.stderr


async def ask(site, model, text, stop_after=0, pictures=(), **parameters):
    visitor = await asyncio.to_thread(Visitor, site.url)
    images = [visitor.upload(picture)["id"] for picture in pictures]
    async with visitor.socket() as page:
        accepted = await page.ask(text, model, images=images, parameters=parameters)
        assert accepted["type"] == "accepted", accepted
        if stop_after:
            await page.until_text(accepted["reply"], stop_after)
            await page.send("stop", message=accepted["reply"])
        reply = await page.until_ended(accepted["reply"], 60)
    seen = await asyncio.to_thread(visitor.http.get, f"{site.url}/replies/{reply['id']}/")
    return {**reply, "verdict": seen.json()["verdict"]}


def stored(site, reply):
    columns = "worker, prompt_tokens, output_tokens, finish_reason, error_code, error_detail"
    [row] = site.rows(f"SELECT {columns} FROM chat_message WHERE id = ?", reply["id"].replace("-", ""))
    return row


async def test_transformers_serve_answers_to_words_and_to_pictures(site, transformers_serve):
    add(site, Kind.OPENAI, transformers_serve)
    assert site.wait_for_model("llava-tiny")
    words = await ask(site, "llava-tiny", "hello", max_output_tokens=24)
    seen = await ask(
        site,
        "llava-tiny",
        "Which?",
        pictures=[Image.new("RGB", (60, 40), "red"), Image.new("RGB", (40, 60), "blue")],
        max_output_tokens=24,
    )
    for reply in (words, seen):
        assert (reply["state"], bool(reply["text"])) == ("complete", True), stored(site, reply)
        assert (reply["cut"], reply["verdict"]) == (True, "exact")
    worker, prompt, output, reason, *_ = stored(site, words)
    assert (worker, output, reason) == (transformers_serve, 24, "length")
    # A picture of 28 pixels is four patches.
    assert stored(site, seen)[1] >= prompt + 2 * 4


async def test_transformers_serve_is_stopped_when_its_visitor_stops(site, transformers_serve):
    add(site, Kind.OPENAI, transformers_serve)
    reply = await ask(site, "llava-tiny", "hello", stop_after=3, max_output_tokens=1024)
    assert reply["state"] == "stopped"
    again = await ask(site, "llava-tiny", "hello", max_output_tokens=8)
    assert again["state"] == "complete"


@pytest.mark.parametrize("typed", ["", "/v1", "/v1/chat/completions"])
def test_its_address_is_found_however_it_is_typed(transformers_serve, typed):
    url = transformers_serve.removesuffix("/v1") + typed
    checked = backends.check(Backend(kind=Kind.OPENAI, url=url))
    assert (checked.url, checked.listed.names) == (transformers_serve, ["llava-tiny"])


async def test_fastchats_controller_and_worker_answer(site, fastchat):
    add(site, Kind.FASTCHAT, fastchat)
    assert site.wait_for_model("vicuna-tiny")
    assert site.rows("SELECT max_images FROM chat_chatmodel WHERE name = 'vicuna-tiny'") == [(0,)]
    reply = await ask(site, "vicuna-tiny", "hello", max_output_tokens=24)
    assert (reply["state"], bool(reply["text"])) == ("complete", True), stored(site, reply)
    _, prompt, output, reason, *_ = stored(site, reply)
    assert (output, reason) == (23, "length")  # it counts from nought
    assert (reply["cut"], reply["verdict"]) == (True, "exact")
    address = backends.ControllerClient(fastchat).get_worker_address("vicuna-tiny")
    own = render_template(conv_template(address, ConvTemplate), None, [Turn("user", "hello")])
    # Its tokens are bytes, and one begins the text.
    assert prompt == len(own.prompt.encode()) + (0 if prompt == len(own.prompt.encode()) else 1)


def test_a_controller_of_each_kind_is_told_from_a_server(fastchat, transformers_serve):
    assert backends.check(Backend(kind=Kind.FASTCHAT, url=fastchat)).listed == (
        ["vicuna-tiny"], frozenset({"vicuna-tiny"}),
    )  # fmt: skip
    for kind, url in ((Kind.OPENAI, fastchat), (Kind.FASTCHAT, transformers_serve)):
        with pytest.raises(backends.CheckFailed):
            backends.check(Backend(kind=kind, url=url))


async def test_fastchats_worker_registers_with_the_sites_own_controller(site, folder):
    secret = site.manage(
        "shell", "-v", "0", "-c", "from django.conf import settings as s; print(s.MMCHAT_WORKER_SECRET)"
    ).stdout.strip()
    with fastchat_worker(folder, f"{site.url}/workers/{secret}", "own") as url:
        [row] = site.rows("SELECT protocol, multimodal FROM chat_worker WHERE address = ?", url)
        assert row == ("fastchat", 0)
        # FastChat's own controller may serve the same model on this site: then either may answer.
        off = "from chat.models import Backend; Backend.objects.filter(kind='fastchat').update(enabled=False)"
        assert site.manage("shell", "-v", "0", "-c", off).returncode == 0
        reply = await ask(site, "vicuna-tiny", "hello", max_output_tokens=16)
        assert (reply["state"], stored(site, reply)[0]) == ("complete", url), stored(site, reply)


def test_every_template_that_fastchat_has_is_rendered_as_it_does(tmp_path):
    """All of them but style 19 and those without a style, which belong to services that are asked by messages."""
    script = """
import json
from fastchat.conversation import conv_templates
names = ("name", "system_template", "system_message", "roles", "messages", "sep_style", "sep", "sep2", "stop_str",
         "stop_token_ids")
for conv in conv_templates.values():
    told = json.loads(json.dumps({name: getattr(conv, name) for name in names}))
    if told["sep_style"] in (None, 19):
        continue
    own = conv.copy()
    for number, text in enumerate(("What is it?", "A cat.", "And now?\\n\\nTell me.")):
        own.append_message(own.roles[number % 2], text)
    own.append_message(own.roles[1], None)
    print(json.dumps({"conv": told, "prompt": own.get_prompt()}))
"""
    done = subprocess.run(
        [str(PYTHON), "-c", script], env=environment(tmp_path), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    turns = [Turn("user", "What is it?"), Turn("assistant", "A cat."), Turn("user", "And now?\n\nTell me.")]
    rendered = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rendered) > 70
    wrong = [
        each["conv"]["name"]
        for each in rendered
        if render_template(ConvTemplate(**each["conv"]), None, turns).prompt != each["prompt"]
    ]
    assert wrong == []
