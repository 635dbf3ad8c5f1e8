"""`flask --app pneumonia_api.app users ...`: add, list and delete the people who may log in."""

import functools
import secrets
import sys
from collections.abc import Callable

import click
import redis
from flask import current_app
from flask.cli import AppGroup

from pneumonia_api.accounts import Accounts, NoSuchPerson
from pneumonia_api.audit.events import COMMAND, Action, Event, record
from pneumonia_api.passwords import MIN_PASSWORD
from pneumonia_api.roles import PROVIDER_MARK, Role, is_program

users = AppGroup("users", help="The people who may log in.")

ROLES = click.option(
    "--role",
    "roles",
    multiple=True,
    type=click.Choice([role.value for role in Role]),
    help="What the person is at the site; may be repeated.",
)


def _accounts() -> Accounts:
    return current_app.extensions["accounts"]


def note_command(action: Action, about: str, detail: str = "") -> None:
    """Record what somebody typed on this host. Raises redis.RedisError."""
    event = Event(action, COMMAND, about=about, detail=detail)
    record(current_app.extensions["redis"], event)


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
@click.option("--admin", is_flag=True, help="All roles: may do everything.")
@ROLES
@explain_outage
def add_user(name: str, password_stdin: bool, admin: bool, roles: tuple[str, ...]) -> None:
    """Add a user, or change a user's password; print the password if it was generated.

    A new user without --role is a clinician. Who is there keeps their roles, unless some are given.
    """
    if is_program(name) or not name.isprintable() or not 0 < len(name) <= 64:
        raise click.BadParameter(
            "the name must be 1 to 64 printable characters, not 'machine', nor begin with "
            "'machine:'."
        )
    if name.endswith(PROVIDER_MARK):
        raise click.BadParameter(
            f"names that end in '{PROVIDER_MARK}' are for people of the OpenID provider, who have "
            "no password here."
        )
    password = sys.stdin.readline().rstrip("\n") if password_stdin else secrets.token_urlsafe(12)
    if len(password) < MIN_PASSWORD:
        raise click.BadParameter(f"the password must have at least {MIN_PASSWORD} characters.")
    chosen = frozenset(Role) if admin else frozenset(map(Role, roles))
    if not chosen and not _accounts().exists(name):
        chosen = frozenset({Role.CLINICIAN})
    _accounts().set_password(name, password)
    note_command(Action.SET_PASSWORD, name)
    if chosen:
        _set_roles(name, chosen)
    if not password_stdin:
        click.echo(password)


@users.command("list")
@click.option("--with-roles", is_flag=True, help="Print a person's roles after their name.")
@explain_outage
def list_users(with_roles: bool) -> None:
    """Print the names of all users."""
    for name in _accounts().list_users():
        roles = _accounts().list_roles(name) if with_roles else frozenset[Role]()
        click.echo("\t".join([name, *(role for role in Role if role in roles)]))


@users.command("roles")
@click.argument("name")
@ROLES
@explain_outage
def set_roles(name: str, roles: tuple[str, ...]) -> None:
    """Set what a user is at the site, and end their sessions; without --role, nothing."""
    _set_roles(name, frozenset(map(Role, roles)))


@users.command("admin")
@click.argument("name")
@click.option("--revoke", is_flag=True, help="Take the role admin away again.")
@explain_outage
def set_admin(name: str, revoke: bool) -> None:
    """Give a user the role admin beside their others, and end their sessions."""
    roles, admin = _accounts().list_roles(name), frozenset({Role.ADMIN})
    _set_roles(name, roles - admin if revoke else roles | admin)


def _set_roles(name: str, roles: frozenset[Role]) -> None:
    try:
        _accounts().set_roles(name, roles)
        note_command(
            Action.SET_ROLES, name, "roles=" + ",".join(each for each in Role if each in roles)
        )
    except NoSuchPerson as error:
        raise click.ClickException(f"There is no user {name}.") from error


@users.command("delete")
@click.argument("name")
@explain_outage
def delete_user(name: str) -> None:
    """Delete a user and end their sessions."""
    if not _accounts().exists(name):
        raise click.ClickException(f"There is no user {name}.")
    _accounts().delete(name)
    note_command(Action.DELETE_PERSON, name)
