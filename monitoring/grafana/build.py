"""Write the dashboards' JSON, which is committed: python -m monitoring.grafana.build

Prints the files that changed. A test fails while a committed file differs from what this writes.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from monitoring.grafana import hosts, model, overview, serving, training

FOLDER = Path(__file__).resolve().parent / "dashboards"


def build_all() -> Iterator[tuple[Path, str]]:
    """The file and the JSON of each dashboard."""
    for module in (overview, serving, model, training, hosts):
        board = module.build()
        text = JSONEncoder(indent=2, ensure_ascii=False).encode(board)
        yield FOLDER / f"{board.uid}.json", text + "\n"


def main() -> int:
    """Write the files that differ."""
    FOLDER.mkdir(exist_ok=True)
    for file, text in build_all():
        if not file.exists() or file.read_text() != text:
            file.write_text(text)
            print(f"Wrote {file.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
