"""An administrator over HTTP."""

import re

import requests

from tests.running import Site


class Office:
    """A browser in which the site's first administrator is logged in."""

    def __init__(self, site: Site) -> None:
        name, password = re.search(r"administrator +(\S+), password (\S+)", site.log).groups()
        self.http = requests.Session()
        self.url = f"{site.url}/admin/"
        self.http.get(f"{self.url}login/").raise_for_status()
        page = self._post("login/", username=name, password=password)
        assert "Log out" in page

    def overview(self) -> str:
        return self.fetch("chat/runningreply/")

    def export(self, **form: str) -> str:
        return self._post("feedback/export/add/", **form)

    def exports(self) -> str:
        return self.fetch("feedback/export/")

    def fetch(self, path: str) -> str:
        answer = self.http.get(self.url + path, timeout=20)
        answer.raise_for_status()
        return answer.text

    def stop(self, reply: str) -> str:
        return self._post(f"chat/runningreply/{reply}/stop/")

    def change_limit(self, number: int, **form: str) -> str:
        return self._post(f"chat/limitrule/{number}/change/", **form)

    def add_check(self, kind: str = "lists", **form: str) -> None:
        """Set up a content check; it counts within a second, in every process."""
        rows = {"thresholds-TOTAL_FORMS": "0", "thresholds-INITIAL_FORMS": "0"}
        usual = {"position": "1", "enabled": "on", "outcome": "refused", "on_messages": "on", "on_text": "on"}
        page = self._post(f"chat/moderationcheck/add/?kind={kind}", **rows, **{**usual, **form})
        assert "was added successfully" in page, page

    def decide(self, verdict: str, reason: str) -> None:
        """Decide the item that the review queue shows first of those with a reason, or a check's outcome."""
        page = self.fetch(f"feedback/reviewitem/?reason={reason}")
        fields = dict(re.findall(r'<input type="hidden" name="(message|flag|event)" value="([^"]+)"', page))
        self._post("feedback/reviewitem/decide/", verdict=verdict, hide_days="", visitor_days="", **fields)

    def _post(self, path: str, **form: str) -> str:
        address = self.url + path
        form["csrfmiddlewaretoken"] = self.http.cookies["csrftoken"]
        answer = self.http.post(address, form, headers={"Referer": address}, timeout=20)
        answer.raise_for_status()
        return answer.text
