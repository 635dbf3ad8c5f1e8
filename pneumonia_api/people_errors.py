"""What each error about people, their log-in and the keys of programs is answered with."""

from pneumonia_api import accounts, factors, links, passwords, people, rules, second_factor
from pneumonia_api.provider_errors import PROVIDER_ERRORS
from pneumonia_api.records.machine_keys import KeyMissing, NameTaken

PEOPLE_ERRORS: dict[type[Exception], tuple[int, str, str]] = {
    **PROVIDER_ERRORS,
    passwords.WrongPassword: (401, "wrong_password", "The name or the password is wrong."),
    accounts.NotAPerson: (
        403,
        "not_a_person",
        "Only people have preferences; log in with a name and a password.",
    ),
    rules.NotAnAdmin: (
        403,
        "not_an_admin",
        "Only an administrator of this site may do that.",
    ),
    rules.NotAllowed: (
        403,
        "not_allowed",
        "Your roles do not allow that; an administrator of this site can change them.",
    ),
    passwords.TooManyFailures: (
        429,
        "too_many_failures",
        "Too many failed log-ins with this name from here; try again in five minutes.",
    ),
    accounts.PasswordsOff: (
        403,
        "passwords_off",
        "Passwords are switched off at this site; log in with your organisation's account.",
    ),
    accounts.OfProvider: (
        409,
        "of_provider",
        "This person's roles and password are managed where your organisation's accounts are.",
    ),
    accounts.LogInExpired: (
        401,
        "log_in_expired",
        "Too much time has passed since the password; log in again.",
    ),
    second_factor.WrongCode: (
        401,
        "wrong_code",
        "The code is wrong, too old or was used already; wait for the next one.",
    ),
    second_factor.TooManyCodes: (
        429,
        "too_many_codes",
        "Too many wrong codes for this name; try again in an hour.",
    ),
    second_factor.NotBegun: (
        409,
        "no_secret",
        "There is no new second factor to confirm; begin again.",
    ),
    factors.FactorRequired: (
        409,
        "factor_required",
        "This site requires a second factor, so it cannot be removed.",
    ),
    rules.FactorNeeded: (
        403,
        "second_factor_needed",
        "This site requires a second factor; set it up first.",
    ),
    links.PersonExists: (409, "person_exists", "There is a person with this name."),
    links.LinkInvalid: (
        404,
        "link_invalid",
        "This link was used, was replaced or has expired; ask an administrator for another one.",
    ),
    accounts.NoSuchPerson: (404, "no_such_person", "There is no such person who may log in."),
    people.OwnAccount: (
        409,
        "own_account",
        "You cannot disable yourself, or take the role of an administrator from yourself; another "
        "one can.",
    ),
    NameTaken: (
        409,
        "name_taken",
        "There is a key with this name; choose another name, or revoke that key first.",
    ),
    KeyMissing: (404, "no_such_key", "There is no key with this name; it may have been revoked."),
}
"""As `pneumonia_api.errors.ERRORS`."""
