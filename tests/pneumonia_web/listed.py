"""Records for the pages to list, written as the worker would, without an image."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from html import unescape

import requests

from pneumonia_api.records.record import XrayRecord, new_xray
from pneumonia_api.records.xrays import XrayStore
from tests.pneumonia_api.records.judged import judged_as
from tests.pneumonia_web.visitor import Visitor
from tests.stack import Stack
from tests.store import connect

PROBABILITIES = {
    "pneumonia_likely": 0.93,
    "uncertain": 0.57,
    "no_pneumonia_detected": 0.13,
    "withheld": 0.71,
}

KINDS = (*PROBABILITIES, "rejected", "failed")

FURTHER = re.compile(r'href="([^"]*)"[^>]*>(?:Next page|Older)<')
ROW = re.compile(r'<tr data-id="([0-9a-f]{32})"')


@contextmanager
def listed(stack: Stack, mark: str, *kinds: str) -> Iterator[list[XrayRecord]]:
    """One record of each of `kinds`, oldest first, with `mark` and the kind as reference."""
    client, records = connect(stack), []
    for number, kind in enumerate(kinds):
        xray = new_xray("colleague", f"{mark}{number}", f"{mark} {kind.replace('_', ' ')}")
        # Newer than all others, a millisecond apart.
        xray = replace(xray, id=f"{int(xray.id[:12], 16) + number:012x}{xray.id[12:]}")
        if kind in PROBABILITIES:
            xray = judged_as(xray, kind, PROBABILITIES[kind])
        else:
            xray = replace(xray, status=kind, reason=f"It was {kind}.")
        XrayStore(client).add(xray)
        records.append(xray)
    try:
        yield records
    finally:
        for xray in records:
            XrayStore(client).delete(xray)
        client.close()


def find_rows(page: requests.Response) -> list[str]:
    """The ids of the rows of a page, in their order."""
    return ROW.findall(page.text)


def find_own(page: requests.Response, records: list[XrayRecord]) -> list[str]:
    """The same, of these records alone, by the last word of their references."""
    names = {xray.id: xray.reference.rpartition(" ")[2] for xray in records}
    return [names[each] for each in find_rows(page) if each in names]


def find_own_on_all_pages(visitor: Visitor, path: str, records: list[XrayRecord]) -> list[str]:
    """The same of the list at `path` and of all its further pages: others may precede them."""
    found: list[str] = []
    while path:
        page = visitor.get(path)
        found += find_own(page, records)
        path = unescape(link[1]) if (link := FURTHER.search(page.text)) else ""
    return found
