"""Static files under URLs that carry their digest, which browsers cache for good.

A process reads them once, at its start, and serves what it read: a release that replaces the files
under a running process must not store new content in caches under the old digest.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin

MEDIA_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
"""What is served. Python's own table depends on its version and on the machine's mime.types."""

NAMED = re.compile(rb'url\("([\w.-]+)"\)')
"""Another static file in a style sheet, by its name alone."""

YEAR_SECONDS = 365 * 24 * 3600

ENDPOINT = "static"


@dataclass(frozen=True)
class Asset:
    """A static file as it was at the start of this process, or one that was made then."""

    content: bytes
    media_type: str
    digest: str


def read_assets(folder: Path) -> dict[str, Asset]:
    """The files in `folder` by their name.

    A file that a style sheet names gets its digest there, so that the sheet changes with it. Raises
    OSError, or KeyError for one that is not there.
    """
    assets: dict[str, Asset] = {}

    def add_digest(found: re.Match[bytes]) -> bytes:
        digest = assets[found[1].decode()].digest.encode()
        return b'url("%b?v=%b")' % (found[1], digest)

    # Style sheets last: they name others.
    for file in sorted(folder.iterdir(), key=lambda file: file.suffix == ".css"):
        if file.suffix in MEDIA_TYPES:
            content = file.read_bytes()
            if file.suffix == ".css":
                content = NAMED.sub(add_digest, content)
            assets[file.name] = make_asset(content, MEDIA_TYPES[file.suffix])
    return assets


def make_asset(content: bytes, media_type: str) -> Asset:
    """An asset of content that is no file, or was changed."""
    return Asset(content, media_type, hashlib.sha256(content).hexdigest()[:16])


def serve_assets(app: Flask, assets: Mapping[str, Asset]) -> None:
    """Serve `assets` at /static/NAME; `url_for` adds their digest as `v`.

    With that digest an answer is immutable. Without it, or with that of another release, browsers
    ask again each time.
    """

    def serve(filename: str) -> Response:
        asset = assets.get(filename) or abort(404)
        response = Response(asset.content, mimetype=asset.media_type)
        response.set_etag(asset.digest)
        if request.args.get("v") == asset.digest:
            response.cache_control.public = True
            response.cache_control.max_age = YEAR_SECONDS
            response.cache_control.immutable = True
        else:
            response.cache_control.no_cache = True
        response.make_conditional(request)
        return response

    def add_digest(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == ENDPOINT:
            values["v"] = assets[values["filename"]].digest

    app.add_url_rule("/static/<path:filename>", ENDPOINT, serve)
    app.url_defaults(add_digest)
    app.session_interface = PageSessions()


class PageSessions(SecureCookieSessionInterface):
    """Sessions whose cookie is renewed with every page, but with no static file.

    A shared cache would give it to the next person with the file.
    """

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Set the cookie, unless the answer is a static file."""
        if request.endpoint != ENDPOINT:
            super().save_session(app, session, response)
