"""A browser without scripts."""

import re
import time
from collections.abc import Mapping
from typing import Any

import requests
from requests.adapters import HTTPAdapter

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
ANSWERS = re.compile(r"<form (?:(?!</form>).)*<fieldset", re.DOTALL)
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
REFUSED_BY_NGINX = b"Your network sent too many requests at once"


class PatientAdapter(HTTPAdapter):
    """Waits as long as Nginx asks for when this network has sent too many requests.

    The tests send them faster than people do. A refused request was not passed on, so it is safe to
    send it again.
    """

    def send(self, *arguments: Any, **options: Any) -> requests.Response:
        """The first answer that Nginx does not refuse for their number, or the fifth refusal."""
        response = super().send(*arguments, **options)
        for _ in range(4):
            if response.status_code != 429 or REFUSED_BY_NGINX not in response.content:
                break
            time.sleep(float(response.headers["Retry-After"]))
            response = super().send(*arguments, **options)
        return response


class Visitor:
    """A browser without scripts: cookies, forms and their CSRF token."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.mount(url, PatientAdapter())

    def get(self, path: str, **options: object) -> requests.Response:
        """Follow a link."""
        return self.session.get(self.url + path, timeout=40, **options)

    def post(
        self, path: str, page: str, headers: Mapping[str, str] | None = None, **options: object
    ) -> requests.Response:
        """Send the form that stands on `page`."""
        found = TOKEN.search(self.get(page).text)
        token = {"X-CSRFToken": found[1], "Referer": self.url} if found else {}
        sent = {**token, **(headers or {})}
        return self.session.post(self.url + path, headers=sent, timeout=40, **options)

    def answer(self, path: str, **answer: str) -> requests.Response:
        """Send the form of the reader's own reading on the page `path`."""
        return self.send_answer(path, self.read_hidden(path), **answer)

    def read_hidden(self, path: str) -> dict[str, str]:
        """What the form of the reading on the page `path` sends along."""
        form = ANSWERS.findall(self.get(path).text)[-1]
        return dict(HIDDEN.findall(form))

    def send_answer(
        self,
        path: str,
        hidden: Mapping[str, str],
        headers: Mapping[str, str] | None = None,
        **answer: str,
    ) -> requests.Response:
        """Send a form of the reading that was opened earlier."""
        data = {**hidden, **answer}
        sent = {"Referer": self.url, **(headers or {})}
        url = f"{self.url}{path}/review"
        return self.session.post(url, headers=sent, data=data, timeout=40)

    def log_in(self, user: str, password: str) -> requests.Response:
        """Log in by the form."""
        return self.post("/login", "/login", data={"user": user, "password": password})
