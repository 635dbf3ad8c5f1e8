"""An API in this process, for pages that are tested without the rest of the system."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from apiflask import APIFlask
from werkzeug.serving import make_server

from pneumonia_api.app import create_app


@contextmanager
def serving_api(settings: Mapping[str, str]) -> Iterator[tuple[str, APIFlask]]:
    """The address of an API that runs, and the API."""
    app = create_app(settings)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", app
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
