"""What the pages say of the installation."""

import pytest

from pneumonia_web.app import create_app
from pneumonia_web.config import MAX_LABEL, ConfigError, read_config

NEEDED = {"API_URL": "http://127.0.0.1:1", "SECRET_KEY": "s"}


def read_log_in(**settings: str) -> str:
    """The page that needs no API."""
    return create_app({**NEEDED, **settings}).test_client().get("/login").text


def test_pages_say_where_they_are() -> None:
    """Name, site, badge and contact, each as text: nothing in them becomes markup."""
    page = read_log_in(
        SERVICE_NAME="Lungenbild",
        SITE_NAME="St. Jürgen <ward 3>",
        ENVIRONMENT_BADGE="Test system",
        SITE_CONTACT="Dr. Ott, 4711",
    )
    assert "<title>Log in · Lungenbild</title>" in page
    assert "St. Jürgen &lt;ward 3&gt;" in page
    assert '<strong class="badge">Test system</strong>' in page
    assert "Ask Dr. Ott, 4711." in page
    assert "Pneumonia detection" not in page


def test_badge_is_there_unless_it_says_something_else() -> None:
    """Nobody switches it off: a blank setting is none."""
    for settings in ({}, {"ENVIRONMENT_BADGE": " "}):
        assert '<strong class="badge">Research use only</strong>' in read_log_in(**settings)


@pytest.mark.parametrize("value", ["x" * (MAX_LABEL + 1), "a\nb", "a\u202eb"])
def test_name_that_would_break_the_page_is_refused(value: str) -> None:
    """At the start, by the setting's name."""
    with pytest.raises(ConfigError, match="SITE_NAME"):
        read_config({**NEEDED, "SITE_NAME": value})
