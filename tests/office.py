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

    def _post(self, path: str, **form: str) -> str:
        address = self.url + path
        form["csrfmiddlewaretoken"] = self.http.cookies["csrftoken"]
        answer = self.http.post(address, form, headers={"Referer": address}, timeout=20)
        answer.raise_for_status()
        return answer.text
