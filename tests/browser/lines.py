"""What stands between a page's socket and the site: keeps frames back, answers in the site's place, cuts the line."""

import json
import re
from collections.abc import Callable

from tests.running import wait_until


class Lines:
    """All connections of one page. Frames pass until a test says otherwise."""

    def __init__(self, chat) -> None:
        """Stand between from the next connection on: the page is to be loaded anew."""
        self.asked: list[dict] = []  # what the page sent
        self.kept: list[str] = []  # what the site sent and the page has not got
        self._keeps = False
        self._answer: Callable[[dict], dict | str | None] = lambda frame: None
        self._ends = ()
        self._chat = chat
        chat.page.route_web_socket(re.compile("/ws/chat/"), self._take)

    def _take(self, line) -> None:
        site = line.connect_to_server()
        self._ends = (line, site)

        def to_site(frame):
            self.asked.append(json.loads(frame))
            answer = self._answer(self.asked[-1])
            if answer is None:
                site.send(frame)
            elif answer:
                self.say(**answer)

        line.on_message(to_site)
        site.on_message(self._pass_on)

    def _pass_on(self, frame: str) -> None:
        if self._keeps:
            self.kept.append(frame)
        else:
            self._ends[0].send(frame)

    def say(self, **frame) -> None:
        """Say something in the site's place."""
        self._pass_on(json.dumps(frame))

    def answer(self, by: Callable[[dict], dict | str | None]) -> None:
        """Let `by` answer what the page sends: by a frame, by "" for no answer, or by None for the site's."""
        self._answer = by

    def keep_back(self) -> None:
        """Keep back what the site says from now on."""
        self._keeps = True

    def wait_for(self, words: str) -> None:
        """Wait until something with these words is kept back."""
        self._wait_until(lambda: any(words in frame for frame in self.kept), words)

    def wait_for_asked(self, count: int, kind: str) -> None:
        """Wait until the page has sent so many frames of this kind."""
        self._wait_until(lambda: sum(frame["type"] == kind for frame in self.asked) >= count, kind)

    def let_go(self) -> None:
        """Let the page have what was kept back, and what comes."""
        self._keeps = False
        for frame in self.kept:
            self._ends[0].send(frame)
        self.kept.clear()

    def cut(self) -> None:
        """Let the page lose its connection, and what was kept back with it."""
        self.kept.clear()
        before = self._ends
        for end in before:
            end.close()
        self._wait_until(lambda: self._ends is not before, "another connection")

    def _wait_until(self, seen: Callable[[], bool], what: str) -> None:
        # Playwright hands frames over only while it is waited with.
        wait_until(lambda: self._chat.page.wait_for_timeout(50) or seen(), what=what)
