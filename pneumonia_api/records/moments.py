"""How a moment is written in Redis."""

from datetime import UTC, datetime


def write_time(at: datetime) -> str:
    """ISO 8601, UTC, with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")
