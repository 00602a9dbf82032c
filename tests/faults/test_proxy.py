"""The tool of these tests does what its switches say."""

import socket
import socketserver
import threading
import time

import pytest

from tests.faults.proxy import FaultProxy


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while data := self.request.recv(65536):
            self.request.sendall(data)


@pytest.fixture
def proxy():
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    with FaultProxy(*server.server_address) as proxy:
        yield proxy
    server.shutdown()
    server.server_close()


@pytest.fixture
def client(proxy):
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as client:
        yield client


def exchange(client, data=b"hello"):
    client.sendall(data)
    return client.recv(65536)


def test_it_passes_everything_on(proxy, client):
    assert exchange(client) == b"hello"
    assert (proxy.connections, proxy.open_connections) == (1, 1)


def test_it_delays(proxy, client):
    proxy.delay(0.3)
    begun = time.monotonic()
    exchange(client)
    assert time.monotonic() - begun > 0.5


def test_a_delay_is_one_of_time_and_not_of_rate(proxy, client):
    proxy.delay(0.3)
    begun = time.monotonic()
    for _ in range(20):
        client.sendall(b"x" * 1000)
        time.sleep(0.01)
    received = 0
    while received < 20_000:
        received += len(client.recv(65536))
    assert 0.6 < time.monotonic() - begun < 5  # 20 pieces one after the other would take 12 s


def test_it_throttles(proxy, client):
    proxy.throttle(1000)
    begun, received = time.monotonic(), 0
    client.sendall(b"x" * 1000)
    while received < 1000:
        received += len(client.recv(1000))
    assert time.monotonic() - begun > 0.5


def test_it_cuts_after_some_bytes(proxy, client):
    proxy.cut_after(3)
    client.sendall(b"hello")
    received = b""
    while data := client.recv(100):
        received += data
    assert received == b"hel"


def test_it_corrupts(proxy, client):
    proxy.corrupt()
    answer = exchange(client)
    assert len(answer) == 5
    assert answer != b"hello"


def test_it_swallows_everything_until_it_is_healed(proxy, client):
    assert exchange(client) == b"hello"
    proxy.black_hole()
    client.settimeout(0.4)
    with pytest.raises(TimeoutError):
        exchange(client)
    proxy.heal()
    client.settimeout(10)
    assert client.recv(100) == b"hello"


def test_it_resets(proxy, client):
    assert exchange(client) == b"hello"
    proxy.reset()
    with pytest.raises(ConnectionResetError):
        client.recv(100)


def test_it_refuses_until_it_is_healed(proxy, client):
    assert exchange(client) == b"hello"
    proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", proxy.port), timeout=10)
    proxy.heal()
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as again:
        assert exchange(again) == b"hello"
