"""A small `make run`: one part that sleeps and leaves another sleeper when it is killed.

python -m tests.local.starter VAR COMMAND
"""

import sys
import time
from pathlib import Path

from local.lock import lock_var
from local.supervision import PartFailed, Supervision, handle_signals, report, stop
from tests.stack import ROOT


def main(var: Path, command: str) -> int:
    """Run `command` as the only part until Ctrl-C or until it cannot be started."""
    handle_signals()
    try:
        lock = lock_var(var, ROOT)
        (var / "log").mkdir(exist_ok=True)
        parts = Supervision({"sleeper": command}, {}, ROOT, var, lock)
        while True:
            parts.check()
            if (var / "up").exists():
                (var / "up").unlink()
                parts.keep_going()
                report("ready")
            time.sleep(0.1)
    except KeyboardInterrupt:
        return 0
    except PartFailed as error:
        report(str(error))
        return 1
    finally:
        stop()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
