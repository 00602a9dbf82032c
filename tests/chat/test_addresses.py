"""The address of a visitor: believed from trusted proxies only, and only as far as they wrote it."""

import ipaddress

import pytest

from chat.addresses import client_address, comes_from, keyed_hash

PROXY = "127.0.0.1"


@pytest.fixture(autouse=True)
def trusted(settings):
    settings.MMCHAT_TRUSTED_PROXIES = [
        ipaddress.ip_network("127.0.0.0/8"),
        ipaddress.ip_network("10.0.0.0/8"),
    ]


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "6.6.6.6", "203.0.113.9"),
        (PROXY, "203.0.113.9", "203.0.113.9"),
        (PROXY, "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        (PROXY, "6.6.6.6, 203.0.113.9, 10.1.2.3", "203.0.113.9"),
        (PROXY, "6.6.6.6, 203.0.113.9:51234", "203.0.113.9"),
        (PROXY, "6.6.6.6, unknown", PROXY),
        (PROXY, "6.6.6.6, ", PROXY),
        (PROXY, "6.6.6.6, [2001:db8:1:2::5]:443", "2001:db8:1:2::"),
        (PROXY, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        (PROXY, "::ffff:203.0.113.9", "203.0.113.9"),
        ("::ffff:127.0.0.1", "203.0.113.9", "203.0.113.9"),
        (PROXY, "", PROXY),
    ],
)
def test_the_rightmost_hop_that_is_no_proxy_is_the_visitor(peer, forwarded, expected):
    assert client_address(peer, forwarded) == ipaddress.ip_address(expected)


def test_a_peer_without_an_address_is_nobody():
    assert client_address("", "203.0.113.9") is None
    assert keyed_hash(None) == ""


def test_the_hash_depends_on_the_sites_key(settings):
    address = ipaddress.ip_address("203.0.113.9")
    before = keyed_hash(address)
    settings.SECRET_KEY = "another"
    assert keyed_hash(address) != before
    assert len(before) == 64


@pytest.mark.parametrize(
    ("peer", "forwarded", "inside"),
    [
        (PROXY, "", True),
        ("::1", "", True),  # whole, not as the first of its /64
        ("::2", "", False),
        ("192.168.7.7", "", True),
        ("203.0.113.9", "", False),
        ("203.0.113.9", "127.0.0.1", False),
        ("192.168.7.7", "192.168.7.8", False),  # a proxy that nobody trusts
        (PROXY, "203.0.113.9", False),
        (PROXY, "127.0.0.1, 203.0.113.9", False),
        (PROXY, "192.168.7.7", True),
        (PROXY, "192.168.7.7, 10.1.2.3", True),
        (PROXY, "127.0.0.1", True),
        (PROXY, "unknown", False),
        (PROXY, "192.168.7.7, unknown", False),
        (PROXY, "unknown, 10.1.2.3", False),
        ("", "", False),
    ],
)
def test_only_who_surely_is_inside_counts_as_inside(peer, forwarded, inside):
    networks = [ipaddress.ip_network(each) for each in ("127.0.0.0/8", "::1/128", "192.168.0.0/16")]
    assert comes_from(networks, peer, forwarded) is inside
