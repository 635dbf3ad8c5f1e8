"""Earlier X-rays with the reference of the one on the page, to compare it with."""

from dataclasses import dataclass

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from pneumonia_web.records import Xray
from pneumonia_web.views import api, logged_in, refreshes_part, refuse_repeats

earlier = Blueprint("earlier", __name__)
earlier.before_request(refuse_repeats)

MAX_OFFERED = 5

SEARCHED = 100
"""X-rays that one call finds; most references have few words in common with others."""

MAX_CALLS = 4
"""Calls for one answer. The search finds the beginnings of words: RX-7 also finds RX-70."""


@dataclass(frozen=True)
class Earlier:
    """An earlier X-ray: nothing but which one it is, and when it was sent (ISO 8601, UTC)."""

    id: str
    sent: str


@earlier.get("/xrays/<xray_id>/earlier")
@logged_in
def offer(token: str, xray_id: str) -> ResponseReturnValue:
    """What to compare an X-ray with: as a part of its page, or as a page of links."""
    xray = api().read(token, xray_id)
    template = "_earlier.html" if refreshes_part() else "earlier.html"
    return render_template(template, xray=xray, found=find_earlier(token, xray))


def find_earlier(token: str, xray: Xray) -> list[Earlier]:
    """Up to MAX_OFFERED X-rays with exactly this one's reference that were sent before it.

    Newest first; only those that are done, because these have a film, and none that was deleted.
    One that more than MAX_CALLS x SEARCHED others precede in the search is not found.
    """
    reference = xray["reference"]
    found: list[Earlier] = []
    if not reference:
        return found
    cursor: str | None = xray["id"]  # the search goes on with what is older
    for _ in range(MAX_CALLS):
        query = {"q": reference, "status": "done", "limit": str(SEARCHED), "cursor": cursor or ""}
        page = api().list(token, query)
        found += [
            Earlier(each["id"], each["created_at"])
            for each in page["xrays"]
            if each["reference"] == reference
        ]
        cursor = page["cursor"]
        if len(found) >= MAX_OFFERED or not cursor:
            break
    return found[:MAX_OFFERED]
