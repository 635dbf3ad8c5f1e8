"""The settings of the site's OpenID provider, which are all there or none is used."""

from pneumonia_api.config import Config, ConfigError
from pneumonia_api.provider import ProviderSettings, is_safe
from pneumonia_api.roles import Role

CALLBACK = "/login/oidc/callback"
"""The page of the web that the provider sends the browser back to."""


def find_provider(config: Config) -> ProviderSettings | None:
    """The provider's settings, None if the site has none. Raises ConfigError."""
    if not config.oidc_issuer:
        if config.break_glass_admin:
            raise ConfigError("BREAK_GLASS_ADMIN is set without OIDC_ISSUER: nobody could log in.")
        return None
    needed = {
        "OIDC_CLIENT_ID": config.oidc_client_id,
        "OIDC_CLIENT_SECRET": config.oidc_client_secret,
        "OIDC_ROLES": config.oidc_roles,
        "PUBLIC_URL": config.public_url,
    }
    for name, value in needed.items():
        if not value:
            raise ConfigError(f"{name} is not set; OIDC_ISSUER needs it.")
    for name, address in (("OIDC_ISSUER", config.oidc_issuer), ("PUBLIC_URL", config.public_url)):
        if not is_safe(address) or "?" in address or "#" in address:
            raise ConfigError(f"{name} must be an https address without a query.")
    public = config.public_url.rstrip("/")
    return ProviderSettings(
        issuer=config.oidc_issuer,
        client_id=config.oidc_client_id,
        client_secret=config.oidc_client_secret,
        callback=public + CALLBACK,
        after_log_out=f"{public}/login",
        scopes=config.oidc_scopes,
        roles_claim=config.oidc_roles_claim,
        roles=read_meanings(config.oidc_roles),
        factors=frozenset(config.oidc_second_factor.replace(",", " ").split()),
    )


def read_meanings(text: str) -> dict[str, Role]:
    """What each value of the claim makes somebody, of `VALUE=ROLE; VALUE=ROLE`.

    A value may have equals signs, as the names of groups in a directory do. Raises ConfigError.
    """
    meanings = {}
    for pair in filter(None, (each.strip() for each in text.split(";"))):
        value, _, role = pair.rpartition("=")
        if not value.strip() or role.strip() not in [*Role]:
            known = ", ".join(Role)
            raise ConfigError(f"OIDC_ROLES must be VALUE=ROLE; VALUE=ROLE with roles of {known}.")
        meanings[value.strip()] = Role(role.strip())
    return meanings
