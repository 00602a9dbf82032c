"""The line between a browser and the site, which tests can cut: a relay of bytes on a port of its own."""

import contextlib
import socket
import threading


class Cable:
    """Relay connections to a local port."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._whole = True
        self._one_way = False
        self._edit = (b"", b"")
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Drop every connection, and refuse new ones."""
        with self._lock:
            self._whole = False
            self._drop()

    def mend(self) -> None:
        with self._lock:
            self._whole = True
            self._one_way = False
            self._drop()

    def lose_answers(self) -> None:
        """Carry what the browser says, and lose what the site says."""
        self._one_way = True

    def garble(self, words: bytes, others: bytes) -> None:
        """Put other words of the same length into what the site says."""
        assert len(words) == len(others)
        self._edit = (words, others)

    def close(self) -> None:
        self.cut()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _drop(self) -> None:
        for pair in self._pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        self._pairs.clear()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                if not self._whole:
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", self._target))
                self._pairs.append((near, far))
            threading.Thread(target=self._relay, args=(near, far), daemon=True).start()

    def _relay(self, near: socket.socket, far: socket.socket) -> None:
        with near, far:
            back = threading.Thread(target=self._carry, args=(far, near, True), daemon=True)
            back.start()
            self._carry(near, far, False)
            back.join()

    def _carry(self, source: socket.socket, target: socket.socket, is_answer: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if is_answer and self._one_way:
                    continue
                target.sendall(data.replace(*self._edit) if is_answer and self._edit[0] else data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
