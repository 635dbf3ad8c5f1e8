"""`flask --app pneumonia_api.app users ...`: add, list and delete the people who may log in."""

import functools
import secrets
import sys
from collections.abc import Callable

import click
import redis
from flask import current_app
from flask.cli import AppGroup

from pneumonia_api.auth import MACHINE, Accounts, NotAPerson

users = AppGroup("users", help="The people who may log in.")


def _accounts() -> Accounts:
    return current_app.extensions["accounts"]


def explain_outage(command: Callable[..., None]) -> Callable[..., None]:
    """Wrap `command` so that it explains an outage of Redis in one sentence."""

    @functools.wraps(command)
    def guarded(**arguments: object) -> None:
        try:
            command(**arguments)
        except redis.RedisError as error:
            raise click.ClickException(
                f"Redis does not answer ({type(error).__name__}), so the change may not have been "
                "made and old sessions may still be open; run the same command again."
            ) from error

    return guarded


@users.command("add")
@click.argument("name")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--admin", is_flag=True, help="May change what applies to the whole site.")
@explain_outage
def add_user(name: str, password_stdin: bool, admin: bool) -> None:
    """Add a user, or change a user's password; print the password if it was generated.

    Who is an admin stays one.
    """
    if name == MACHINE or not name.isprintable() or not 0 < len(name) <= 64:
        raise click.BadParameter("the name must be 1 to 64 printable characters, not 'machine'.")
    password = sys.stdin.readline().rstrip("\n") if password_stdin else secrets.token_urlsafe(12)
    if len(password) < 8:
        raise click.BadParameter("the password must have at least 8 characters.")
    _accounts().set_password(name, password)
    if admin:
        _accounts().set_admin(name, True)
    if not password_stdin:
        click.echo(password)


@users.command("list")
@explain_outage
def list_users() -> None:
    """Print the names of all users."""
    for name in _accounts().list_users():
        click.echo(name)


@users.command("admin")
@click.argument("name")
@click.option("--revoke", is_flag=True, help="Make an admin an ordinary user again.")
@explain_outage
def set_admin(name: str, revoke: bool) -> None:
    """Let a user change what applies to the whole site."""
    try:
        _accounts().set_admin(name, not revoke)
    except NotAPerson as error:
        raise click.ClickException(f"There is no user {name}.") from error


@users.command("delete")
@click.argument("name")
@explain_outage
def delete_user(name: str) -> None:
    """Delete a user and end their sessions."""
    if not _accounts().exists(name):
        raise click.ClickException(f"There is no user {name}.")
    _accounts().delete(name)
