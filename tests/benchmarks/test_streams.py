"""The benchmark measures: the site, a worker and a client as processes of their own. No time decides here."""

import json
import os
import subprocess
import sys

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
        timeout=240,
    )


PROTOCOLS = ["llava", "fastchat", "openai"]


def test_runs_complete_on_the_site_and_on_the_relay_and_leave_nothing(tmp_path):
    file, scratch = tmp_path / "report.json", tmp_path / "scratch"
    scratch.mkdir()
    sizes = ["--streams", "2", "--tokens", "20", "--runs", "1"]
    served = ["--server", "mmchat,relay", "--protocol", ",".join(PROTOCOLS)]
    ended = streams(scratch, *served, *sizes, "--json", str(file))
    assert ended.returncode == 0, ended.stderr
    runs = json.loads(file.read_text())["runs"]
    ran = [(protocol, name) for protocol in PROTOCOLS for name in ("mmchat", "relay")]
    assert [(run["protocol"], run["server"]) for run in runs] == ran
    assert {(run["completed"], run["tokens"], str(run["errors"])) for run in runs} == {(2, 40, "[]")}
    shown = [line.split()[:6] for line in ended.stdout.split("\n") if line.startswith(("mmchat", "relay"))]
    lines = sorted([name, protocol, "2", "20", "1", "2"] for protocol, name in ran)
    assert sorted(shown[: len(ran)]) == lines
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
