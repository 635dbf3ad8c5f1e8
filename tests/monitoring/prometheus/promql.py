"""Find the metrics in a PromQL expression."""

import re

WORDS = {"and", "or", "unless", "by", "without", "on", "ignoring"}
WORDS |= {"group_left", "group_right", "offset", "bool", "inf", "nan"}


def list_metrics(expression: str) -> set[str]:
    """The names of metrics, including those of recording rules (with a colon)."""
    text = re.sub(r'"(?:\\.|[^"\\])*"', '""', expression)
    text = re.sub(r"\{[^}]*\}|\[[^\]]*\]", "", text)
    text = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", r"\1", text)
    text = re.sub(r"\b(offset\s+)?\d[\w.]*", "", text)
    names = set(re.findall(r"\b[a-zA-Z_:][\w:]*\b(?!\s*\()", text))
    functions = set(re.findall(r"\b[a-z_0-9]+(?=\s*\()", text))
    # An aggregation may have its labels before its brackets: sum by (job) (...).
    aggregations = set(re.findall(r"\b([a-z]+)\s+(?:by|without)\b", text))
    return {name for name in names if name.lower() not in WORDS} - functions - aggregations
