"""Chooses where the X-rays that match a search are looked up: always in the fewest ids."""

from collections.abc import Sequence
from dataclasses import dataclass

import redis

from pneumonia_api.records import keys
from pneumonia_api.records.ranges import Range
from pneumonia_api.records.words import may_be_id

MAX_SORTED = 2000
"""Ids that one call reads from the index of words, to sort them by time."""

MAX_WORDS = 32
"""Different words that begin with what was typed, whose records one call merges by time."""

_COMPLETE = """
local words, lowest = {}, ARGV[1]
while true do
  local members = redis.call('ZRANGEBYLEX', KEYS[1], lowest, ARGV[2], 'LIMIT', 0, 1)
  if #members == 0 then return words end
  if #words == tonumber(ARGV[3]) then return {} end
  words[#words + 1] = string.sub(members[1], 1, string.find(members[1], '\\0', 1, true) - 1)
  lowest = '(' .. words[#words] .. '\\1'
end
"""
"""The words of the index KEYS[1] from ARGV[1] to ARGV[2]; none if they are more than ARGV[3]."""


@dataclass(frozen=True)
class Sources:
    """Every match is in one of the ranges, or among the ids, which are sorted, newest first.

    With `have_word`, all of these are X-rays that have the rarest word.
    """

    ranges: list[Range]
    ids: list[str]
    have_word: bool


def find_sources(client: redis.Redis, words: Sequence[str], lists: Sequence[str]) -> Sources:
    """Where all X-rays are whose record has all `words`, of those in `lists`.

    Each must be checked for the other words and for its list. Where few have the rarest of the
    words, these are sorted by time. Otherwise each whole word has its X-rays in this order; and if
    too many different words begin with what was typed, the lists have.
    """
    spans = {word: _list_spans(word) for word in words}
    with client.pipeline(transaction=False) as pipe:
        for span in (span for each in spans.values() for span in each):
            pipe.zlexcount(span.key, *span.bounds)
        for name in lists:
            pipe.zcard(name)
        counts = iter(pipe.execute())
    found = {word: sum(next(counts) for _ in each) for word, each in spans.items()}
    listed = sum(counts)
    rarest = min(words, key=lambda word: found[word])
    if found[rarest] <= MAX_SORTED:
        return Sources([], _read_ids(client, spans[rarest]), have_word=True)
    if found[rarest] < listed and (whole := complete(client, rarest)):
        ranges = [Range(keys.WORDS, f"{word}\0") for word in whole]
        return Sources(ranges, [], have_word=True)
    return Sources([Range(name) for name in lists], [], have_word=False)


def _list_spans(word: str) -> list[Range]:
    """The parts of the indexes that have the X-rays found by a word."""
    spans = [Range(keys.WORDS, word)]
    return [*spans, Range(keys.XRAYS, word)] if may_be_id(word) else spans


def _read_ids(client: redis.Redis, spans: Sequence[Range]) -> list[str]:
    with client.pipeline(transaction=False) as pipe:
        for span in spans:
            pipe.zrange(span.key, *span.bounds, bylex=True)
        members = {member for members in pipe.execute() for member in members}
    return sorted({member.rpartition("\0")[2] for member in members}, reverse=True)


def complete(client: redis.Redis, start: str) -> list[str]:
    """The words in the index that begin with `start`; none if they are more than MAX_WORDS."""
    words: list[str] = client.eval(
        _COMPLETE, 1, keys.WORDS, *Range(keys.WORDS, start).bounds, MAX_WORDS
    )
    return words
