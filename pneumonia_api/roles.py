"""Who calls the API: people with their roles, and programs with the rights of their key."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

MACHINE = "machine"
"""The name of callers with the site's own key, which may do everything; no user can have it."""

NAMED = f"{MACHINE}:"
"""How the names of callers with any other key begin; no user's name may."""

NODE = f"{NAMED}dicom"
"""The DICOM node, which may send X-rays, and says which application entity sent each."""

ENTITY = "dicom:"
"""How the source of an X-ray begins that came by DICOM, before the AE title; no user's name may."""


PROVIDER_MARK = " (SSO)"
"""How the names of people end who log in by the site's OpenID provider; no other person's may."""


class Role(StrEnum):
    """What a person is at the site; they may be several."""

    CLINICIAN = "clinician"
    """Sends X-rays, sees them and reads them."""
    LEAD = "lead"
    """Does what clinicians do; deletes X-rays, restores what others deleted, and takes back what
    others read, so that it is read again."""
    ML_ENGINEER = "ml_engineer"
    """Follows how the model does, and decides which one is served; sees no X-ray."""
    ADMIN = "admin"
    """Decides who may do what, and what holds for the whole site; sees no X-ray."""


class Right(StrEnum):
    """What the holder of a key may do."""

    UPLOAD = "upload"
    """Send X-rays; the answer has the result."""
    READ = "read"
    """See records and images, and what holds for the site."""
    REVIEW = "review"
    """Add readings and confirmed outcomes."""
    DELETE = "delete"
    """Delete and restore X-rays."""
    STUDY = "study"
    """See how the model and its readers do."""
    SITE = "site"
    """State what holds for the whole site."""
    MODELS = "models"
    """Try, promote and go back to published models."""


OF_BEFORE = frozenset({Role.CLINICIAN, Role.LEAD})
"""What everybody could do before there were roles."""


@dataclass(frozen=True)
class Caller:
    """Who sent a request.

    A person has roles, and `lacks_factor` if the site requires a second factor that they have not;
    a program has the rights of its key, or everything with the site's own key.
    """

    name: str
    roles: frozenset[Role] = frozenset()
    rights: frozenset[Right] = frozenset()
    lacks_factor: bool = False

    @property
    def is_person(self) -> bool:
        """Whether it is no program."""
        return not is_machine(self.name)

    @property
    def has_every_right(self) -> bool:
        """Whether it has the site's own key."""
        return self.name == MACHINE

    @property
    def is_admin(self) -> bool:
        """Whether it may see what concerns other people."""
        return self.has_every_right or Role.ADMIN in self.roles


def is_machine(name: str) -> bool:
    """Whether a caller's name is that of a program."""
    return name == MACHINE or name.startswith(NAMED)


def is_program(source: str) -> bool:
    """Whether an X-ray's source is a program, or an application entity of DICOM."""
    return is_machine(source) or source.startswith(ENTITY)


def read_roles(account: Mapping[str, str | None]) -> frozenset[Role]:
    """The roles in a person's hash; of one from before there were roles, what they could do."""
    written = account.get("roles")
    if written is not None:
        return frozenset(role for role in Role if role in written.split())
    if account.get("password") is None:
        return frozenset()
    return frozenset(Role) if account.get("admin") == "1" else OF_BEFORE


def write_roles(roles: Iterable[Role]) -> dict[str, str]:
    """The fields of the hash; `admin` is for hosts of the previous release."""
    chosen = frozenset(roles)
    written = " ".join(role for role in Role if role in chosen)
    return {"roles": written, "admin": str(int(Role.ADMIN in chosen))}
