"""Write the dashboards' JSON, which is committed: python -m monitoring.grafana.build

Says which files changed. A test fails while they are not what this writes.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from monitoring.grafana import hosts, model, overview, serving, training

FOLDER = Path(__file__).resolve().parent / "dashboards"


def build_all() -> Iterator[tuple[Path, str]]:
    """Each dashboard's file and its text."""
    for module in (overview, serving, model, training, hosts):
        board = module.build()
        text = JSONEncoder(indent=2, ensure_ascii=False).encode(board)
        yield FOLDER / f"{board.uid}.json", text + "\n"


def main() -> int:
    """Write what differs."""
    FOLDER.mkdir(exist_ok=True)
    for file, text in build_all():
        if not file.exists() or file.read_text() != text:
            file.write_text(text)
            print(f"Wrote {file.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
