"""`flask users` while Redis is away."""

import pytest

from pneumonia_api.app import create_app

SETTINGS = {"REDIS_URL": "redis://127.0.0.1:1/0", "API_KEY": "k", "IMAGE_STORE": "memory://"}


@pytest.mark.parametrize(
    "arguments", [["add", "ann"], ["delete", "ann"], ["list"]], ids=lambda each: each[0]
)
def test_outage_is_explained_in_a_sentence(arguments: list[str]) -> None:
    """No password is printed, and the message says to run the command again."""
    done = create_app(SETTINGS).test_cli_runner().invoke(args=["users", *arguments])
    assert done.exit_code == 1
    assert isinstance(done.exception, SystemExit)
    assert done.output.startswith("Error: Redis does not answer")
    assert done.output.endswith("run the same command again.\n")
    assert done.output.count("\n") == 1
