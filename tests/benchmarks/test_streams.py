"""The benchmark measures: the site, a worker and a client as processes of their own. No time decides here."""

import json
import os
import subprocess
import sys

import pytest

from tests.running import ROOT


def streams(folder, *options):
    environment = {
        name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")
    }
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.streams", *options],
        cwd=ROOT,
        env={**environment, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("protocol", ["llava", "fastchat", "openai"])
def test_a_run_completes_on_the_site_and_on_the_relay_and_leaves_nothing(tmp_path, protocol):
    file, scratch = tmp_path / "report.json", tmp_path / "scratch"
    scratch.mkdir()
    sizes = ["--streams", "2", "--tokens", "20", "--runs", "1"]
    served = ["--server", "mmchat,relay", "--protocol", protocol]
    ended = streams(scratch, *served, *sizes, "--json", str(file))
    assert ended.returncode == 0, ended.stderr
    runs = json.loads(file.read_text())["runs"]
    assert [(run["server"], run["completed"], run["tokens"], run["errors"]) for run in runs] == [
        ("mmchat", 2, 40, []),
        ("relay", 2, 40, []),
    ]
    shown = [line.split()[:6] for line in ended.stdout.split("\n") if line.startswith(("mmchat", "relay"))]
    assert shown[:2] == [[name, protocol, "2", "20", "1", "2"] for name in ("mmchat", "relay")]
    assert list(scratch.iterdir()) == []


def test_a_server_that_is_not_there_is_one_clear_line(tmp_path):
    ended = streams(tmp_path, "--server", "mmchat,apache")
    assert ended.returncode == 2
    assert ended.stderr.rstrip().endswith(
        "no server named apache; there are mmchat, mmchat-2, mmchat-daphne, gradio, gradio-lifted, relay"
    )


def test_a_protocol_that_is_not_there_is_one_clear_line(tmp_path):
    ended = streams(tmp_path, "--protocol", "llava,telnet")
    assert ended.returncode == 2
    assert ended.stderr.rstrip().endswith(
        "no protocol named telnet; there are llava, internvl2, fastchat, openai"
    )
