"""nginx and Caddy take the files that are shipped for them."""

import json
import os
import re
import subprocess

import pytest

from tests import parts, shipped


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificate")
    subprocess.run(
        [parts.program("openssl", "openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
         "-subj", "/CN=chat.example.org", "-keyout", f"{folder}/privkey.pem", "-out", f"{folder}/fullchain.pem"],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return folder


def test_nginx_takes_the_whole_file(tmp_path, certificate):
    """With TLS; only folders that ask for rights are others."""
    text = (shipped.DEPLOY / "nginx.conf").read_text()
    text = text.replace("/etc/ssl/mmchat", str(certificate)).replace("/var/log/nginx", str(tmp_path))
    text = text.replace("/run/nginx.pid", f"{tmp_path}/pid").replace(
        "/var/cache/nginx/mmchat", f"{tmp_path}/cache"
    )
    if os.geteuid() != 0:
        text = text.replace("user www-data;", "")
    (tmp_path / "nginx.conf").write_text(text)
    command = [
        parts.nginx(),
        "-t",
        "-p",
        str(tmp_path),
        "-e",
        f"{tmp_path}/error.log",
        "-c",
        f"{tmp_path}/nginx.conf",
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "[warn]" not in result.stderr


def test_caddy_takes_the_file_and_understands_what_is_meant():
    command = [parts.caddy(), "adapt", "--config", str(shipped.DEPLOY / "Caddyfile"), "--validate"]
    environment = {
        **os.environ,
        "MMCHAT_DOMAIN": "chat.example.org",
        "MMCHAT_UPSTREAMS": "site1:7860 site2:7860",
        "MMCHAT_INSIDE": "127.0.0.0/8 10.20.0.0/16",
    }
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    adapted = json.dumps(json.loads(result.stdout))
    assert '"dial": "site1:7860"' in adapted
    assert '"dial": "site2:7860"' in adapted
    assert '"10.20.0.0/16"' in adapted
    assert '"uri": "/readyz"' in adapted
    assert re.search(r'"read_header_timeout": 10000000000', adapted)
