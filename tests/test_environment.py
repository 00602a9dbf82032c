"""What hosts set in the environment is read as browsers and proxies will see it, or refused by name."""

import os
import subprocess
import sys

import environ
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.urls import get_resolver

from mmchat_site import environment
from tests.documentation import ROOT


@pytest.mark.parametrize(
    ("url", "origin", "host"),
    [
        ("", "", ""),
        ("https://chat.example.org", "https://chat.example.org", "chat.example.org"),
        ("https://Chat.Example.org:443/", "https://chat.example.org", "chat.example.org"),
        ("http://chat.example.org:80", "http://chat.example.org", "chat.example.org"),
        ("http://chat.example.org:8080", "http://chat.example.org:8080", "chat.example.org"),
        ("https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443", "[2001:db8::1]"),
    ],
)
def test_the_public_address_is_written_as_browsers_write_it(url, origin, host):
    assert environment.public_origin(url) == (origin, host)


@pytest.mark.parametrize(
    "url",
    ["chat.example.org", "ftp://a.org", "https://a.org/path", "https://a.org?x=1", "https://u:p@a.org", "https://a.org:abc",
     "https://a b.org", "https://"],
)  # fmt: skip
def test_an_address_that_can_not_be_public_is_refused_by_name(url):
    with pytest.raises(ImproperlyConfigured, match="MMCHAT_URL"):
        environment.public_origin(url)


def test_a_secret_is_made_once_and_read_by_its_owner_alone(tmp_path):
    first = environment.secret_in(tmp_path / "new")
    assert environment.secret_in(tmp_path / "new") == first
    assert (tmp_path / "new" / "secret_key").stat().st_mode & 0o077 == 0


def test_a_data_folder_that_is_a_file_is_refused_by_name(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ImproperlyConfigured, match="MMCHAT_DATA_DIR"):
        environment.secret_in(tmp_path / "file")


def test_the_address_listened_on_is_one_of_the_sites_own():
    assert "192.0.2.7" in environment.own_hosts("192.0.2.7")
    assert "[2001:db8::7]" in environment.own_hosts("2001:db8::7")
    assert not {"0.0.0.0", "[::]"} & set(environment.own_hosts("0.0.0.0") + environment.own_hosts("::"))


@pytest.mark.parametrize("value", ["https://a.org; script-src *", "a.org", "https://a.org/x", "*"])
def test_an_embedding_site_that_is_no_origin_is_refused(monkeypatch, value):
    monkeypatch.setenv("MMCHAT_EMBED_ORIGINS", value)
    with pytest.raises(ImproperlyConfigured, match="MMCHAT_EMBED_ORIGINS"):
        environment.origins(environ.Env(), "MMCHAT_EMBED_ORIGINS", [])


def test_the_administration_is_where_the_host_says(tmp_path):
    words = "from django.urls import reverse; print(reverse('admin:login'))"
    told = subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", words],
        cwd=ROOT,
        env={**os.environ, "MMCHAT_ADMIN_PATH": "/staff/door/", "MMCHAT_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == "/staff/door/login/"


@pytest.mark.parametrize("value", ["", "a b", "../x", "api", "s/x", "ws", "<x>"])
def test_a_path_that_is_none_or_is_taken_is_refused_by_name(monkeypatch, value):
    monkeypatch.setenv("MMCHAT_ADMIN_PATH", value)
    with pytest.raises(ImproperlyConfigured, match="MMCHAT_ADMIN_PATH"):
        environment.path(environ.Env(), "MMCHAT_ADMIN_PATH", "admin")


def test_every_address_of_the_site_is_known_as_taken():
    def first_parts(patterns):
        for pattern in patterns:
            text = str(pattern.pattern)
            if text == "":
                yield from first_parts(getattr(pattern, "url_patterns", ()))
            else:
                yield text.split("/")[0]

    assert set(first_parts(get_resolver().url_patterns)) - {"admin"} <= environment.OWN_PATHS
