"""A browser without scripts."""

import re
from collections.abc import Mapping

import requests

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Visitor:
    """A browser without scripts: cookies, forms and their CSRF token."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()

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

    def log_in(self, user: str, password: str) -> requests.Response:
        """Log in by the form."""
        return self.post("/login", "/login", data={"user": user, "password": password})
