"""What every error of the API looks like."""

from werkzeug.test import TestResponse


def check_error(response: TestResponse, status: int, code: str) -> None:
    """One shape for every error: a stable code and one sentence that reveals nothing."""
    assert response.status_code == status, response.text
    assert set(response.json) == {"error"}
    error = response.json["error"]
    assert error["code"] == code
    assert error["message"].endswith(".")
    assert "Traceback" not in response.text
