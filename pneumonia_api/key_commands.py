"""`flask --app pneumonia_api.app keys ...`: create, list and revoke the keys of programs."""

from datetime import UTC, datetime

import click
from flask import current_app
from flask.cli import AppGroup

from pneumonia_api.audit.events import Action
from pneumonia_api.cli import explain_outage, note_command
from pneumonia_api.records.machine_keys import KeyMissing, MachineKeys, NameTaken
from pneumonia_api.roles import Right

machine_keys = AppGroup("keys", help="The keys of programs.")

BY = "command"
"""Who created a key that was created here."""


def _keys() -> MachineKeys:
    return current_app.extensions["machine_keys"]


@machine_keys.command("add")
@click.argument("name")
@click.option(
    "--right",
    "rights",
    multiple=True,
    required=True,
    type=click.Choice([right.value for right in Right]),
    help="What the program may do; may be repeated.",
)
@explain_outage
def add_key(name: str, rights: tuple[str, ...]) -> None:
    """Create a key and print it, which is the only time that it can be seen."""
    try:
        key = _keys().create(name, map(Right, rights), by=BY, at=datetime.now(UTC))
    except NameTaken as error:
        raise click.ClickException(f"There is a key {name}; revoke it first.") from error
    except ValueError as error:
        raise click.BadParameter(
            "the name must be 1 to 32 letters, digits, dots, hyphens and underscores."
        ) from error
    note_command(Action.CREATE_KEY, name, "rights=" + ",".join(rights))
    click.echo(key)


@machine_keys.command("list")
@explain_outage
def list_keys() -> None:
    """Print each key's name, its rights and when it was last used, separated by tabs."""
    for key in _keys().list_all():
        rights = " ".join(right for right in Right if right in key.rights)
        click.echo(f"{key.name}\t{rights}\t{key.used or 'never used'}")


@machine_keys.command("revoke")
@click.argument("name")
@explain_outage
def revoke_key(name: str) -> None:
    """Revoke a key: the next request with it is refused."""
    try:
        _keys().revoke(name)
    except KeyMissing as error:
        raise click.ClickException(f"There is no key {name}.") from error
    note_command(Action.REVOKE_KEY, name)
