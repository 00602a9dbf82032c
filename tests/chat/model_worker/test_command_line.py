import subprocess
import sys

import pytest
from django.core.management import call_command, get_commands, load_command_class

from chat.model_worker.options import name_of, read_options
from tests.chat.demo.conftest import ROOT

# Names are looked up before files are, so this stands for an environment without the extra also where it is installed.
WITHOUT_TORCH = "import runpy, sys; sys.modules['torch'] = None; "
PROGRAM = "runpy.run_module('chat.model_worker', run_name='__main__')"
COMMAND = "runpy.run_path('manage.py', run_name='__main__')"


def run(*arguments: str, script=PROGRAM) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", WITHOUT_TORCH + script, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("how", [(PROGRAM, "--no-register"), (COMMAND, "run_worker")])
def test_without_the_extra_it_says_in_one_line_what_to_install(how):
    ended = run(how[1], "--model", "some/model", script=how[0])
    assert (ended.returncode, ended.stdout) == (1, "")
    (line,) = ended.stderr.splitlines()
    assert "torch" in line
    assert "mmchat[worker]" in line
    assert "pip install" in line


def test_without_a_controller_it_says_so_before_it_loads_anything():
    ended = run("--model", "some/model")
    assert ended.stderr == "Name the controller with --controller-address, or run with --no-register.\n"


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--seed", "-1"),
        ("--seed", "x"),
        ("--dtype", "int8"),
        ("--limit-model-concurrency", "0"),
        ("--port", "x"),
    ],
)
def test_a_wrong_value_names_the_option_and_what_it_takes(option, value):
    ended = run("--model", "m", "--no-register", option, value)
    assert ended.returncode == 2
    last = ended.stderr.splitlines()[-1]
    assert option in last
    assert value in last


def test_a_model_is_needed():
    assert "--model" in run("--no-register").stderr


def test_nothing_of_it_but_the_loading_needs_pytorch_or_django():
    script = (
        "import sys, chat.model_worker.__main__, chat.model_worker.answering;"
        "print([name for name in ('django', 'torch', 'transformers') if name in sys.modules])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ended.stdout == "[]\n"


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("Qwen/Qwen2.5-VL-7B-Instruct", "Qwen2.5-VL-7B-Instruct"),
        ("/models/llava/", "llava"),
        ("llava", "llava"),
        ("/runs/llava-new/checkpoint-500", "llava-new_checkpoint-500"),
        ("C:\\models\\llava", "llava"),
    ],
)
def test_a_model_is_named_by_the_last_part_of_its_path(model, name):
    assert name_of(model) == name
    assert read_options({"model": model, "model_name": ""}).model_name == name
    assert read_options({"model": model, "model_name": "mine"}).model_name == "mine"


def test_a_seed_makes_it_write_one_reply_at_a_time():
    values = {"model": "m", "limit_model_concurrency": 5}
    assert read_options(values).limit_model_concurrency == 5
    assert read_options({**values, "seed": 0}).limit_model_concurrency == 1


def test_manage_py_takes_the_same_options_and_knows_this_sites_controller(settings, capsys):
    settings.MMCHAT_WORKER_SECRET = "the-secret"
    command = load_command_class(get_commands()["run_worker"], "run_worker")
    parsed = command.create_parser("manage.py", "run_worker").parse_args(["--model", "m"])
    assert parsed.controller_address == "http://127.0.0.1:7860/workers/the-secret"
    with pytest.raises(SystemExit):
        call_command("run_worker", "--help")
    told = capsys.readouterr().out
    for option in ("--model", "--device", "--dtype", "--trust-remote-code", "--seed", "--worker-address"):
        assert option in told
