"""The files in deploy/, read: what can't be run without an engine of containers or a systemd in charge."""

import re
import subprocess

import pytest
import yaml
from django.conf import settings

from chat.images.receiving import FORM_BYTES
from mmchat_site.server import CLOSE_SECONDS
from tests import parts
from tests.running import ROOT
from tests.shipped import DEPLOY

FILES = [
    DEPLOY / name for name in ("Dockerfile", "compose.yaml", "Caddyfile", "nginx.conf", "example.env")
] + sorted((DEPLOY / "systemd").iterdir())
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()


def instructions(name: str) -> list[str]:
    joined = re.sub(r"\\\n", " ", DOCKERFILE)
    return re.findall(rf"^{name} (.+)$", joined, re.M)


def test_every_file_that_the_image_copies_exists_and_is_let_in():
    sources = [word for line in instructions("COPY") if "--from" not in line for word in line.split()[:-1]]
    assert {"manage.py", "mmchat_site", "chat", "feedback", "requirements.txt"} <= set(sources)
    assert [source for source in sources if not (ROOT / source).exists()] == []
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert set(sources) - let_in == set()
    assert "*" in (ROOT / ".dockerignore").read_text().splitlines(), "the image gets more than it copies"


def test_the_image_runs_as_nobody_special_and_is_asked_for_its_health():
    assert instructions("USER")[-1] not in ("root", "0")
    assert DOCKERFILE.index("USER ") < DOCKERFILE.index("ENTRYPOINT ")
    [health] = instructions("HEALTHCHECK")
    assert "/healthz" in health
    [entry] = instructions("ENTRYPOINT")
    assert entry.startswith("["), "a shell as process 1 would keep SIGTERM to itself"
    assert "serve" in entry
    assert "--require-hashes" in DOCKERFILE


def test_no_file_names_a_host_of_packages_or_holds_a_secret():
    for file in FILES:
        text = file.read_text()
        assert not re.search(r"index-url|find-links|://[a-z.-]*(pypi|docker\.io|ghcr)", text), file.name
        filled = re.findall(r"^[A-Z_]*(?:SECRET|PASSWORD)[A-Z_]*=(.+)$", text, re.M)
        assert filled == [], file.name


def test_compose_runs_the_site_twice_behind_one_proxy():
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    services = compose["services"]
    assert set(services) == {"site1", "site2", "postgresql", "redis", "caddy"}
    for name, service in services.items():
        assert service["restart"] == "unless-stopped", name
        assert "mem_limit" in service, name
        # Its image brings the site's own.
        assert "healthcheck" in service or name.startswith("site"), name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in compose["volumes"] or (DEPLOY / source).exists(), volume
    assert [name for name, service in services.items() if "ports" in service] == ["caddy"]
    for name in ("site1", "site2"):
        site = services[name]
        drain = float(site["environment"]["MMCHAT_DRAIN_TIMEOUT"])
        assert float(site["stop_grace_period"].rstrip("s")) > drain + CLOSE_SECONDS
        assert site["volumes"] == ["media:/data/media"]
    [subnet] = compose["networks"]["inside"]["ipam"]["config"]
    assert services["site1"]["environment"]["MMCHAT_TRUSTED_PROXIES"] == subnet["subnet"]


def test_every_variable_of_compose_is_in_the_example_or_has_a_default():
    text = (DEPLOY / "compose.yaml").read_text()
    example = dict(re.findall(r"^([A-Z_]+)=(.*)$", (DEPLOY / "example.env").read_text(), re.M))
    assert set(re.findall(r"\$\{([A-Z_]+):\?", text)) - set(example) == set()
    assert set(example) - set(re.findall(r"\$\{([A-Z_]+)", text)) == set()


@pytest.mark.parametrize("name", ["nginx.conf", "Caddyfile"])
def test_the_proxies_let_in_the_largest_picture_and_its_form(name):
    [size] = re.findall(r"(?:client_max_body_size|max_size) (\d+)(?:m;|MB)", (DEPLOY / name).read_text())
    # nginx means 2**20 bytes by m, Caddy 10**6 by MB.
    unit = 2**20 if name == "nginx.conf" else 10**6
    assert int(size) * unit >= settings.MMCHAT_MAX_IMAGE_MEGABYTES * 2**20 + FORM_BYTES


def test_units_give_replies_their_time_and_processes_no_rights():
    unit = (DEPLOY / "systemd" / "mmchat@.service").read_text()
    assert (
        float(re.search(r"^TimeoutStopSec=(\d+)$", unit, re.M).group(1))
        > settings.MMCHAT_DRAIN_TIMEOUT + CLOSE_SECONDS
    )
    for line in ("KillMode=mixed", "NoNewPrivileges=yes", "ProtectSystem=strict", "User=mmchat"):
        assert f"\n{line}\n" in unit
    assert "CapabilityBoundingSet=\n" in unit


def test_systemd_takes_the_units(tmp_path):
    for file in (DEPLOY / "systemd").glob("mmchat*"):
        text = file.read_text().replace("/opt/mmchat/.venv/bin/python", "/bin/true")
        (tmp_path / file.name).write_text(text)
    template = (tmp_path / "mmchat@.service").read_text()
    (tmp_path / "mmchat@7861.service").write_text(template)
    units = [
        str(tmp_path / name) for name in ("mmchat@7861.service", "mmchat.target", "mmchat-restart.service")
    ]
    result = subprocess.run(
        [parts.program("systemd-analyze", "systemd"), "verify", "--man=no", *units],
        env={"SYSTEMD_UNIT_PATH": f"{tmp_path}:", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")
