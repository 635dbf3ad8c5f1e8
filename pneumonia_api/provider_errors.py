"""What each error of a log-in by the site's OpenID provider is answered with."""

from pneumonia_api import id_tokens, oidc, provider, provider_people

PROVIDER_ERRORS: dict[type[Exception], tuple[int, str, str]] = {
    oidc.NoProvider: (404, "no_provider", "This site has no other log-in than by password."),
    provider.ProviderAway: (
        503,
        "provider_away",
        "Your organisation's log-in does not answer; try again in half a minute.",
    ),
    provider.ProviderRefused: (
        403,
        "provider_refused",
        "Your organisation's log-in did not accept this one; begin again.",
    ),
    id_tokens.TokenRefused: (
        403,
        "token_refused",
        "The answer of your organisation's log-in could not be trusted, so you are not logged in; "
        "if it happens again, tell an administrator of this site.",
    ),
    provider_people.LogInStale: (
        401,
        "log_in_stale",
        "This log-in was finished already or begun too long ago; begin again.",
    ),
    provider_people.NoKnownRole: (
        403,
        "no_known_role",
        "Your organisation gives you no role here; ask those who manage its accounts.",
    ),
    provider_people.PersonDisabled: (
        403,
        "person_disabled",
        "An administrator of this site has disabled your account; ask them.",
    ),
    provider_people.ProviderFactorNeeded: (
        403,
        "provider_factor_needed",
        "This site requires a second factor, and your organisation's log-in asked for none; ask "
        "those who manage its accounts.",
    ),
}
"""As `pneumonia_api.errors.ERRORS`."""
