"""Who calls the API in tests."""

from collections.abc import Callable

from werkzeug.test import TestResponse

Call = Callable[..., TestResponse]
"""user, method, path and options of the test client -> the answer; see the fixture `call`."""
