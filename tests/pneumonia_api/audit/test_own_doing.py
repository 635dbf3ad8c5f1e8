"""What workers do by themselves and what somebody types on a host is recorded, too."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import redis
from apiflask import APIFlask

from pneumonia_api.records.images import ImageStore
from pneumonia_api.records.record import XrayRecord
from pneumonia_api.worker.housekeeping import forget_deleted
from pneumonia_api.worker.retention import forget_old
from tests.pictures import picture
from tests.pneumonia_api.audit.lines import read_events


def test_a_removal_by_age_is_a_line(
    client: redis.Redis, judged: XrayRecord, tmp_path: Path
) -> None:
    """With the X-ray's id, and the worker as who did it."""
    images, later = ImageStore(tmp_path.as_uri()), datetime.now(UTC) + timedelta(days=40)
    images.write_preview(judged.id, picture())
    assert forget_old(client, images, 30, later) == 1
    [event] = read_events(client)
    assert (event["who"], event["action"]) == ("worker", "remove_old")
    assert event["xray"] == judged.id


def test_the_end_of_a_deleted_x_ray_is_a_line(
    app: APIFlask, client: redis.Redis, judged: XrayRecord, tmp_path: Path
) -> None:
    """When nobody can restore it any more."""
    past = datetime.now(UTC) - timedelta(days=30)
    app.extensions["deletions"].delete(judged.id, by="ann", at=past)
    images = ImageStore(tmp_path.as_uri())
    images.write_preview(judged.id, picture())
    forget_deleted(client, images)
    [event] = read_events(client)
    assert (event["action"], event["xray"]) == ("remove_deleted", judged.id)


def test_commands_are_lines(app: APIFlask, client: redis.Redis) -> None:
    """With what they were about."""
    run = app.test_cli_runner().invoke
    for arguments in (
        ["users", "add", "eve", "--role", "lead"],
        ["users", "roles", "eve", "--role", "admin"],
        ["users", "delete", "eve"],
        ["keys", "add", "gateway", "--right", "upload"],
        ["keys", "revoke", "gateway"],
    ):
        assert run(args=arguments).exit_code == 0
    events = read_events(client)
    assert {each["who"] for each in events} == {"command"}
    assert [(each["action"], each["about"], each["detail"]) for each in events] == [
        ("set_password", "eve", ""),
        ("set_roles", "eve", "roles=lead"),
        ("set_roles", "eve", "roles=admin"),
        ("delete_person", "eve", ""),
        ("create_key", "gateway", "rights=upload"),
        ("revoke_key", "gateway", ""),
    ]
