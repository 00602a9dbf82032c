"""What is counted, under which labels, and who may read it."""

import uuid
from types import SimpleNamespace

import pytest
from django.test import Client
from prometheus_client import generate_latest

from chat import metrics, scraping
from tests.scraping import Scrape

ONE, OTHER = uuid.uuid4(), uuid.uuid4()


def now():
    return Scrape(generate_latest(metrics.registry).decode())


def shown(message=ONE, epoch=0, offset=0, text=""):
    return SimpleNamespace(id=message, epoch=epoch, offset=offset, text=text)


@pytest.mark.parametrize(
    ("held", "messages", "outcome"),
    [
        ({ONE: (0, 5)}, [shown(offset=5)], "nothing_missing"),
        ({ONE: (0, 5)}, [shown(offset=5, text="more")], "rest"),
        ({ONE: (0, 5)}, [shown(offset=5), shown(OTHER, epoch=3, text="new")], "rest"),
        ({ONE: (0, 5)}, [shown(offset=5), shown(OTHER)], "rest"),
        ({ONE: (0, 5)}, [shown(epoch=1, text="anew")], "whole_again"),
        ({ONE: (0, 5)}, [shown(offset=0, text="lost")], "gap"),
        ({ONE: (0, 5), OTHER: (0, 2)}, [shown(text="l"), shown(OTHER, epoch=1)], "gap"),
        ({ONE: (0, 5)}, [], "nothing_missing"),
    ],
)
def test_the_worst_that_a_page_lacked_is_its_outcome(held, messages, outcome):
    assert metrics.resume_outcome(held, messages) == outcome
    before = now().sum("mmchat_resumes_total", outcome=outcome)
    metrics.resumed(held, messages)
    assert now().sum("mmchat_resumes_total", outcome=outcome) == before + 1


def test_a_page_that_held_nothing_does_not_come_back():
    before = now().sum("mmchat_resumes_total")
    metrics.resumed({}, [shown(text="all")])
    assert now().sum("mmchat_resumes_total") == before


def test_every_outcome_is_there_before_it_happens():
    assert now().labels("mmchat_resumes_total", "outcome") == {
        "nothing_missing",
        "rest",
        "whole_again",
        "gap",
    }


def test_workers_beyond_the_limit_share_one_label(monkeypatch):
    monkeypatch.setattr(metrics, "_workers", set())
    monkeypatch.setattr(metrics, "MOST_WORKERS", 2)
    for number in range(5):
        metrics.worker_failed(f"http://10.9.9.9:{number}", "limit_test")
    metrics.worker_failed("http://10.9.9.9:0", "limit_test")
    found = {
        sample.labels["worker"]: sample.value
        for sample in now().samples
        if sample.name == "mmchat_worker_failures_total" and sample.labels["code"] == "limit_test"
    }
    assert found == {"http://10.9.9.9:0": 2, "http://10.9.9.9:1": 1, "other": 3}


def test_an_address_can_not_make_series_of_its_own():
    address = 'http://x"} 1\nmmchat_sockets{a="\\'
    metrics.worker_failed(address, "injection_test")
    found = now()
    assert found.sum("mmchat_worker_failures_total", worker=address, code="injection_test") == 1
    assert found.sum("mmchat_sockets", a="\\") == 0


def test_times_fall_into_their_buckets():
    before = now()
    metrics.first_text("http://10.8.8.8:1", since_accepted=1.2, since_sent=0.04)
    after = now()

    def grew(name, **labels):
        return after.sum(name, **labels) - before.sum(name, **labels)

    assert grew("mmchat_first_text_seconds_bucket", le="1.0") == 0
    assert grew("mmchat_first_text_seconds_bucket", le="1.5") == 1
    assert grew("mmchat_first_text_seconds_sum") == pytest.approx(1.2)
    assert grew("mmchat_worker_first_text_seconds_bucket", worker="http://10.8.8.8:1", le="0.05") == 1


def test_what_a_process_holds_is_counted_when_somebody_asks(monkeypatch):
    process = SimpleNamespace(
        draining=True,
        number_of_sockets=lambda: 3,
        reply_states=lambda: ["streaming", "queued", "streaming", "complete"],
        open_breakers=lambda: ["http://10.7.7.7:1"],
    )
    monkeypatch.setattr(metrics._now, "process", process)
    found = now()
    assert (found.sum("mmchat_sockets"), found.sum("mmchat_draining")) == (3, 1)
    assert found.sum("mmchat_replies", state="streaming") == 2
    assert found.sum("mmchat_replies", state="queued") == 1
    assert found.sum("mmchat_breaker_open", worker="http://10.7.7.7:1") == 1
    process.open_breakers = list
    assert now().labels("mmchat_breaker_open", "worker") == set()


def test_the_answers_of_processes_become_one_with_a_label_for_each():
    texts = {
        "0": '# HELP a_total A.\n# TYPE a_total counter\na_total{worker="x\\"y"} 3.0\n# TYPE b gauge\nb 1.0\n',
        "1": "# HELP a_total A.\n# TYPE a_total counter\na_total 4.0\n",
        "2": None,
    }
    text = generate_latest(scraping._Joined(texts)).decode()
    found = Scrape(text)
    assert found.sum("a_total") == 7
    assert found.sum("a_total", process="0", worker='x"y') == 3
    assert found.sum("b", process="0") == 1
    assert {each: found.sum("mmchat_process_up", process=each) for each in texts} == {"0": 1, "1": 1, "2": 0}
    assert text.count("# TYPE a_total counter") == 1


@pytest.mark.parametrize(
    ("peer", "forwarded"),
    [("203.0.113.9", ""), ("203.0.113.9", "127.0.0.1"), ("127.0.0.1", "203.0.113.9"), ("", "")],
)
def test_a_stranger_finds_nothing(peer, forwarded):
    headers = {"x-forwarded-for": forwarded} if forwarded else {}
    answer = Client(REMOTE_ADDR=peer, headers=headers).get("/metrics")
    nothing = Client(REMOTE_ADDR=peer, headers=headers).get("/metricz")
    assert (answer.status_code, answer.content) == (nothing.status_code, nothing.content)
    assert answer.status_code == 404
    assert b"mmchat_sockets" not in answer.content


def test_networks_are_a_setting(settings):
    assert Client(REMOTE_ADDR="127.0.0.1").get("/metrics").status_code == 200
    settings.MMCHAT_METRICS_NETWORKS = []
    assert Client(REMOTE_ADDR="127.0.0.1").get("/metrics").status_code == 404


def test_metrics_are_read_without_the_database_and_never_kept():
    assert Client(REMOTE_ADDR="127.0.0.1").post("/metrics").status_code == 405
    answer = Client(REMOTE_ADDR="127.0.0.1").get("/metrics")
    assert "no-store" in answer.headers["Cache-Control"]
    assert Scrape(answer.content.decode()).labels("mmchat_process_up", "process") == {"0"}
