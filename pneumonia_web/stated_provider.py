"""The sentences of the API about the log-in by an OpenID provider; as `stated.ANSWERS`."""

from pneumonia_web.language import N_

OF_PROVIDER: dict[str, tuple[str, ...]] = {
    "no_provider": (N_("This site has no other log-in than by password."),),
    "provider_away": (
        N_("Your organisation's log-in does not answer; try again in half a minute."),
    ),
    "provider_refused": (N_("Your organisation's log-in did not accept this one; begin again."),),
    "token_refused": (
        N_(
            "The answer of your organisation's log-in could not be trusted, so you are not logged "
            "in; if it happens again, tell an administrator of this site."
        ),
    ),
    "passwords_off": (
        N_("Passwords are switched off at this site; log in with your organisation's account."),
    ),
    "of_provider": (
        N_("This person's roles and password are managed where your organisation's accounts are."),
    ),
    "log_in_stale": (N_("This log-in was finished already or begun too long ago; begin again."),),
    "no_known_role": (
        N_("Your organisation gives you no role here; ask those who manage its accounts."),
    ),
    "person_disabled": (N_("An administrator of this site has disabled your account; ask them."),),
    "provider_factor_needed": (
        N_(
            "This site requires a second factor, and your organisation's log-in asked for none; "
            "ask those who manage its accounts."
        ),
    ),
}
