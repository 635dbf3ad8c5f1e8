"""What the indexes must hold, derived from the records themselves."""

import base64
import re
from collections import defaultdict

import redis

from pneumonia_api.records.lists import OF_PREVIOUS_RELEASE
from pneumonia_api.records.record import XrayRecord, read_hash


def read_records(client: redis.Redis) -> dict[str, XrayRecord]:
    """Every record in Redis, by id."""
    return {key[5:]: read_hash(client.hgetall(key)) for key in client.keys("xray:*")}


def name_list(xray: XrayRecord) -> str:
    """The list in which a record belongs."""
    if xray.prediction:
        kind = {"uncertain": "uncertain-", "withheld": "withheld-"}.get(name_shown(xray), "")
        reading = "reviewed" if xray.review else "to-review"
        return f"xrays:{kind}{xray.prediction.decision}:{reading}"
    return "xrays:status:queued" if xray.status == "queued" else f"xrays:{xray.status}"


def name_shown(xray: XrayRecord) -> str:
    """What the pages show of a prediction."""
    assert xray.prediction
    if (xray.quality and xray.quality.warnings) or (xray.scope and xray.scope.out_of_scope):
        return "withheld"
    likely = xray.prediction.decision == "pneumonia"
    return xray.prediction.finding or ("pneumonia_likely" if likely else "no_pneumonia_detected")


def place_suspicious(xray: XrayRecord) -> float:
    """Where a record is in the order by suspicion."""
    assert xray.prediction
    return 2.0 if name_shown(xray) == "withheld" else xray.prediction.probability


def list_entries(xray: XrayRecord) -> set[str]:
    """The record's entries in the index of words, for text in ASCII."""
    note = xray.review.note if xray.review else ""
    text = f"{xray.reference or xray.id[-8:]} {note}".lower()
    return {f"{word}\0{xray.id}" for word in re.findall("[a-z0-9]+", text)}


def check_indexes(client: redis.Redis) -> None:
    """Fail unless the indexes hold exactly the records that exist."""
    check_lists_and_words(client)
    records = read_records(client)
    for key in client.keys("reuse:*"):
        _, model, start = key.split(":")
        for field, xray_id in client.hgetall(key).items():
            xray = records[base64.b85decode(xray_id).hex()]
            assert xray.prediction
            assert xray.prediction.model == model
            rest = xray.digest[3:11]
            is_hex = re.fullmatch("([0-9a-f]{2})*", rest)
            assert xray.digest[:3] == start
            assert field == (base64.b85encode(bytes.fromhex(rest)).decode() if is_hex else rest)


def check_lists_and_words(client: redis.Redis) -> None:
    """The same without the entries for reuse, of which one without a record is harmless."""
    expected: dict[str, set[str]] = defaultdict(set)
    for xray in read_records(client).values():
        if xray.deletion:
            expected["xrays:deleted"].add(xray.id)
            continue
        expected["xrays"].add(xray.id)
        expected[name_list(xray)].add(xray.id)
        expected["xrays:words"] |= list_entries(xray)
    suspicious = dict(client.zrange("xrays:suspicion", 0, -1, withscores=True))
    records = [xray for xray in read_records(client).values() if not xray.deletion]
    to_review = [xray for xray in records if xray.prediction and not xray.review]
    assert suspicious == {xray.id: place_suspicious(xray) for xray in to_review}
    expected["xrays:suspicion"] = set(suspicious)
    found = {key: set(client.zrange(key, 0, -1)) for key in client.keys("xrays*")}
    assert found == {key: members for key, members in expected.items() if members}
    assert not client.exists(*OF_PREVIOUS_RELEASE)
