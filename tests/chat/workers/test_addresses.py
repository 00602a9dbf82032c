"""Only addresses inside the allowed networks get through, however they are spelt."""

import socket
from ipaddress import ip_network

import pytest

from chat.workers.addresses import check_address
from chat.workers.errors import WorkerAddressForbidden, WorkerUnknownHost

PRIVATE = [ip_network(text) for text in ("127.0.0.0/8", "::1/128", "10.0.0.0/8", "fd00::/8")]


@pytest.fixture
def names(monkeypatch):
    """Resolve names from a dict instead of the network; literal addresses resolve as ever."""
    table = {}
    real = socket.getaddrinfo

    def getaddrinfo(host, port, *args, **options):
        found = table.get(host, [host])
        return [row for address in found for row in real(address, port, *args, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return table


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:21002",
        "https://10.1.2.3/gpu/0/",
        "http://[::1]:40000",
        "http://[fd00::7]",
        "http://[::ffff:10.0.0.1]:80",
        "HTTP://LOCALHOST:21002/",
    ],
)
def test_an_address_inside_the_networks_passes(url):
    check_address(url, PRIVATE)


@pytest.mark.parametrize(
    "url",
    [
        "http://8.8.8.8",
        "http://169.254.169.254/latest/meta-data",
        "http://0.0.0.0:21002",
        "http://192.168.0.1",
        "http://[2001:db8::1]",
        "http://[::]",
        "http://[::ffff:8.8.8.8]",
        "http://[::ffff:808:808]",
        "http://[64:ff9b::a00:1]",
        "http://[fe80::1%25eth0]",
    ],
)
def test_an_address_outside_the_networks_is_forbidden(url):
    with pytest.raises(WorkerAddressForbidden):
        check_address(url, PRIVATE)


@pytest.mark.parametrize(
    "url",
    [
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.1/",
        "http://127.1/",
        "http://127.0.0.01/",
        "http://0177.0.0.1/",
        "http://127.0.0.1./",
        "http://１２７.0.0.1/",
        "http://127%2e0%2e0%2e1/",
        "http://user@127.0.0.1/",
        "http://127.0.0.1:80@8.8.8.8/",
        "http://8.8.8.8\\@127.0.0.1/",
        "http://127.0.0.1\n.example.org/",
        "http://127.0.0.1 /",
        "http://127.0.0.1?x=",
        "http://127.0.0.1#@8.8.8.8",
        "http://127.0.0.1:port/",
        "http://127.0.0.1:99999/",
        "http://[::1/",
        "http:///worker_generate_stream",
        "http:127.0.0.1",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "127.0.0.1:21002",
        "//127.0.0.1/",
        "",
    ],
)
def test_odd_spellings_and_other_schemes_are_forbidden(url):
    with pytest.raises(WorkerAddressForbidden) as caught:
        check_address(url, PRIVATE)

    assert caught.value.code == "worker_address_forbidden"


def test_a_name_passes_only_when_all_its_addresses_do(names):
    names["inside.example"] = ["10.0.0.1", "fd00::1"]
    names["mixed.example"] = ["10.0.0.1", "8.8.8.8"]

    check_address("http://inside.example:21002", PRIVATE)
    with pytest.raises(WorkerAddressForbidden, match=r"8\.8\.8\.8"):
        check_address("http://mixed.example:21002", PRIVATE)


def test_a_name_that_leads_to_a_mapped_address_is_judged_by_what_it_maps(names):
    names["mapped.example"] = ["::ffff:8.8.8.8"]

    with pytest.raises(WorkerAddressForbidden):
        check_address("http://mapped.example", [*PRIVATE, ip_network("::/0")])


@pytest.mark.parametrize("host", ["worker.invalid", "x" * 64 + ".example"])
def test_a_name_that_does_not_resolve_is_an_unknown_host(host):
    with pytest.raises(WorkerUnknownHost):
        check_address(f"http://{host}:21002", PRIVATE)


def test_without_networks_nothing_passes():
    with pytest.raises(WorkerAddressForbidden):
        check_address("http://127.0.0.1", [])
