"""Answers that are files, and those that a worker has to draw."""

from flask import Response, current_app, make_response

from pneumonia_api.records.desk import Desk, Order

DRAW_SECONDS = 8.0
"""How long a caller waits for a worker to draw: less than the web waits for the API."""


def have_drawn(order: Order) -> bytes:
    """What a worker draws. Raises DeskUnattended or NotDrawn."""
    desk: Desk = current_app.extensions["desk"]
    return desk.ask(order, DRAW_SECONDS)


def answer_file(body: bytes, kind: str, name: str) -> Response:
    """A file of the media type `kind`, for the browser to save as `name`."""
    response = make_response(body)
    response.content_type = kind
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
