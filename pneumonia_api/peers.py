"""Application entities of DICOM, as settings name them: TITLE@ADDRESS and TITLE@HOST:PORT."""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator
from pydantic_settings import NoDecode

TITLE = re.compile(r"(?! )[ -\[\]-~]{1,16}(?<! )", re.ASCII)
"""An AE title: printable ASCII without backslash, and without the spaces around it that DICOM
ignores (PS3.5, table 6.2-1)."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class Peer:
    """Who may send: an AE title, and the network that it must come from."""

    title: str
    network: Network


@dataclass(frozen=True)
class Called:
    """An entity that is called: its AE title, host and port."""

    title: str
    host: str
    port: int


def check_title(text: str) -> str:
    """An AE title. Raises ValueError."""
    if not TITLE.fullmatch(text):
        raise ValueError("must be 1 to 16 printable characters without backslash.")
    return text


def read_peers(text: str) -> tuple[Peer, ...]:
    """The peers of a list such as `PACS@10.1.2.3, XRAY1@10.1.3.0/24`. Raises ValueError."""
    return tuple(_read_peer(each.strip()) for each in text.split(","))


def _read_peer(text: str) -> Peer:
    title, _, address = text.rpartition("@")
    try:
        return Peer(check_title(title), ipaddress.ip_network(address))
    except ValueError as error:
        raise ValueError(
            f"must list peers as in PACS@10.1.2.3, XRAY1@10.1.3.0/24; {text[:40]!r} is none."
        ) from error


def is_listed(title: str, address: str, peers: Iterable[Peer]) -> bool:
    """Whether an entity that calls itself `title` may send from `address`."""
    sender = ipaddress.ip_address(address)
    if isinstance(sender, ipaddress.IPv6Address) and sender.ipv4_mapped:
        sender = sender.ipv4_mapped  # of a listener on all addresses of both kinds
    return any(title == peer.title and sender in peer.network for peer in peers)


def read_called(text: str) -> Called:
    """An entity such as `PACS@pacs.hospital.example:104`. Raises ValueError."""
    title, _, address = text.rpartition("@")
    host, _, port = address.rpartition(":")
    is_host = re.fullmatch(r"[\w.:\[\]-]{1,255}", host, re.ASCII)
    is_port = re.fullmatch(r"[0-9]{1,5}", port) and 0 < int(port) < 65536
    if TITLE.fullmatch(title) and is_host and is_port:
        return Called(title, host.strip("[]"), int(port))
    raise ValueError(f"must be as in PACS@10.1.2.3:104, not {text[:40]!r}.")


Destination = Annotated[Called, NoDecode, BeforeValidator(read_called)]
Peers = Annotated[tuple[Peer, ...], NoDecode, BeforeValidator(read_peers)]
