"""The site pointed at a controller that a team runs already."""

import subprocess
import sys

import pytest
import requests

from tests.outside import Controller
from tests.running import ROOT, Site, free_port, wait_until
from tests.visitor import Visitor


@pytest.fixture
def controller():
    controller = Controller()
    yield controller
    controller.close()


@pytest.fixture
def start_worker():
    workers = []

    def start(address: str, name: str) -> None:
        options = ["--controller-address", address, "--model-name", name, "--rate", "0"]
        workers.append(subprocess.Popen([sys.executable, "-m", "chat.demo", *options], cwd=ROOT))

    yield start
    for worker in workers:
        worker.kill()
        worker.wait()


@pytest.fixture
def start_site(tmp_path):
    sites = []

    def start(*options: str) -> Site:
        sites.append(Site(tmp_path / f"site{len(sites)}", *options).start())
        return sites[-1]

    yield start
    for site in sites:
        site.remove()


async def test_workers_of_an_outside_controller_are_listed_and_answer(controller, start_worker, start_site):
    start_worker(controller.url, "llava-v1.5-7b")
    start_worker(controller.url, "InternVL2-8B")
    wait_until(lambda: len(controller.workers) == 2)
    site = start_site("--controller-url", controller.url)
    visitor = Visitor(site.url)
    assert [model["name"] for model in visitor.bootstrap["models"]["list"]] == [
        "InternVL2-8B",
        "llava-v1.5-7b",
    ]
    for model in ("llava-v1.5-7b", "InternVL2-8B"):
        async with visitor.socket() as page:
            accepted = await page.ask("count to 7", model)
            reply = await page.until_ended(accepted["reply"])
        assert reply["state"] == "complete"
        assert "1, 2, 3, 4, 5, 6, 7" in reply["text"]
    assert [body["model"] for path, body in controller.calls if path == "/get_worker_address"] == [
        "llava-v1.5-7b",
        "InternVL2-8B",
    ]


def test_mode_once_reads_the_list_at_start_and_mode_reload_at_each_page(controller, start_worker, start_site):
    start_worker(controller.url, "llava-v1.5-7b")
    wait_until(lambda: controller.workers)
    once = start_site("--controller-url", controller.url)
    reload = start_site("--controller-url", controller.url, "--model-list-mode", "reload")
    start_worker(controller.url, "llava-v1.6-34b")
    wait_until(lambda: len(controller.workers) == 2)
    assert reload.wait_for_model("llava-v1.6-34b")
    names = [model["name"] for model in requests.get(f"{once.url}/models/", timeout=5).json()["list"]]
    assert names == ["llava-v1.5-7b"]


def test_a_thousand_page_loads_make_few_calls(controller, start_worker, start_site):
    start_worker(controller.url, "llava-v1.5-7b")
    wait_until(lambda: controller.workers)
    site = start_site("--controller-url", controller.url, "--model-list-mode", "reload")
    before = len(controller.calls)
    for _ in range(40):
        requests.get(f"{site.url}/models/", timeout=5)
    listings = [path for path, _ in controller.calls[before:] if path == "/list_models"]
    assert len(listings) < 20


def test_an_unreachable_controller_is_told_and_explained_to_administrators_only(start_site):
    site = start_site("--controller-url", f"http://127.0.0.1:{free_port()}")
    page = requests.get(f"{site.url}/", timeout=5)
    models = requests.get(f"{site.url}/models/", timeout=5).json()
    assert page.status_code == 200
    assert models["available"] is False
    assert "unavailable" in models["reason"]
    assert "127.0.0.1" not in models["reason"]
    [(error,)] = site.rows("SELECT last_error FROM chat_backend WHERE name = 'controller'")
    assert error.startswith("controller_unreachable")


def test_a_controller_that_comes_after_the_site_is_read_without_a_restart(start_worker, start_site):
    port = free_port()
    site = start_site("--controller-url", f"http://127.0.0.1:{port}")
    controller = Controller(port)
    try:
        start_worker(controller.url, "llava-v1.5-7b")
        assert site.wait_for_model("llava-v1.5-7b")
        assert wait_until(lambda: requests.get(f"{site.url}/models/", timeout=5).json()["available"])
    finally:
        controller.close()
