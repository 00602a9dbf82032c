"""A double of LLaVA's worker makes the calls as `llava.serve.model_worker` does, over real HTTP."""

import threading

import pytest
import requests

from chat.models import Worker
from tests.chat.demo.conftest import Worker as DemoWorker

pytestmark = pytest.mark.django_db(transaction=True)


class LlavaWorker:
    """Register once, then beat in a thread; a refusal ends the thread, as it does there."""

    def __init__(self, controller_address, worker_address, models):
        self.controller_address = controller_address
        self.worker_address = worker_address
        self.models = models
        self.queue_length = 0
        self.beats = threading.Semaphore(0)
        self.ended = threading.Event()
        self.register()
        self.thread = threading.Thread(target=self.beat_for_ever)
        self.thread.start()

    def status(self):
        return {"model_names": self.models, "speed": 1, "queue_length": self.queue_length}

    def register(self):
        body = {"worker_name": self.worker_address, "check_heart_beat": True, "worker_status": self.status()}
        answer = requests.post(self.controller_address + "/register_worker", json=body, timeout=30)
        assert answer.status_code == 200

    def beat(self):
        body = {"worker_name": self.worker_address, "queue_length": self.queue_length}
        answer = requests.post(self.controller_address + "/receive_heart_beat", json=body, timeout=5)
        if not answer.json()["exist"]:
            self.register()

    def beat_for_ever(self):
        while not self.ended.wait(0.02):
            self.beat()
            self.beats.release()

    def wait_for_beat(self):
        """Wait until a heartbeat that begins after now has ended: the second to end, for one may be under way."""
        while self.beats.acquire(blocking=False):
            pass
        for _ in range(2):
            assert self.beats.acquire(timeout=30)

    def end(self):
        self.ended.set()
        self.thread.join()


@pytest.fixture
def controller_address(live_server, settings):
    settings.MMCHAT_WORKER_SECRET = "the-secret"
    return live_server.url + "/workers/the-secret"


@pytest.fixture
def llava(controller_address):
    worker = LlavaWorker(controller_address, "http://127.0.0.1:21002", ["llava-v1.5-13b"])
    yield worker
    worker.end()


def call(controller_address, name, body=None):
    """Call as LLaVA's web server does; its listings come without a body."""
    answer = requests.post(controller_address + "/" + name, json=body, timeout=30)
    assert answer.status_code == 200
    return answer.json()


def test_it_registers_beats_and_is_found(controller_address, llava):
    assert call(controller_address, "list_models") == {"models": ["llava-v1.5-13b"]}
    answer = call(controller_address, "get_worker_address", {"model": "llava-v1.5-13b"})
    assert answer == {"address": "http://127.0.0.1:21002"}
    llava.queue_length = 4
    llava.wait_for_beat()
    assert Worker.objects.get().queue_length == 4


def test_it_comes_back_when_the_controller_has_forgotten_it(controller_address, llava):
    Worker.objects.all().delete()
    assert call(controller_address, "list_models") == {"models": []}
    llava.wait_for_beat()
    assert call(controller_address, "list_models") == {"models": ["llava-v1.5-13b"]}


def test_a_refresh_asks_a_worker_and_drops_one_that_has_died(controller_address, transactional_db):
    demo = DemoWorker("--controller-address", controller_address, "--model-name", "alive")
    try:
        # Waits for the process's own registration, then adds one that nobody answers for.
        while "alive" not in call(controller_address, "list_models")["models"]:
            assert demo.process.poll() is None
        body = {
            "worker_name": "http://127.0.0.1:1",
            "check_heart_beat": False,
            "worker_status": {"model_names": ["dead"], "speed": 1, "queue_length": 0},
        }
        assert call(controller_address, "register_worker", body) is None
        assert call(controller_address, "list_models") == {"models": ["alive", "dead"]}
        assert call(controller_address, "refresh_all_workers") is None
        assert call(controller_address, "list_models") == {"models": ["alive"]}
        address = call(controller_address, "get_worker_address", {"model": "alive"})["address"]
        assert address == demo.address
    finally:
        demo.end()


def test_a_refused_registration_fails_loudly_where_the_worker_starts(controller_address):
    with pytest.raises(AssertionError):
        LlavaWorker(controller_address, "http://8.8.8.8:21002", ["llava"])
    with pytest.raises(AssertionError):
        LlavaWorker(controller_address.replace("the-secret", "wrong"), "http://127.0.0.1:21002", ["llava"])
