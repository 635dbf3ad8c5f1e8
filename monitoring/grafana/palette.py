"""The colours of all dashboards: Okabe and Ito's palette, distinguishable with any colour vision.

Each colour has one meaning everywhere. A state is always a word too, never a colour alone. The
colours of predictions (pneumonia, normal) carry no judgement.
"""

from typing import Final

GOOD: Final = "#009E73"
WARN: Final = "#E69F00"
BAD: Final = "#D55E00"
PLAIN: Final = "#56B4E9"  # a figure that is neither good nor bad
SECOND: Final = "#F0E442"
THIRD: Final = "#0072B2"
QUIET: Final = "#999999"

PNEUMONIA: Final = "#CC79A7"
NORMAL: Final = "#56B4E9"
UNSURE: Final = QUIET

# For series whose names are known in advance.
BY_NAME: Final = {
    "pneumonia": PNEUMONIA,
    "normal": NORMAL,
    "unsure": UNSURE,
    "accepted": PLAIN,
    "reused": THIRD,
    "refused": QUIET,
    "unavailable": BAD,
    "2xx": PLAIN,
    "3xx": QUIET,
    "4xx": WARN,
    "5xx": BAD,
    "ok": PLAIN,
    "wrong password": WARN,
    "locked out": BAD,
    "median": QUIET,
    "95th percentile": PLAIN,
    "99th percentile": SECOND,
    "waiting": PLAIN,
    "in progress": THIRD,
    "decode": THIRD,
    "predict": PLAIN,
    "store": SECOND,
    "done": PLAIN,
    "rejected": QUIET,
    "failed": BAD,
    "unread": WARN,
    "retried": WARN,
    "validation": THIRD,
    "test": PLAIN,
    "web": PLAIN,
    "API": THIRD,
    "oldest": PLAIN,
    "busiest": PLAIN,
    "mean": THIRD,
    "used": PLAIN,
    "resident": THIRD,
    "free": "#3a3d44",
    "in use": PLAIN,
    "watts": SECOND,
    "degrees": WARN,
    "training": PLAIN,
    "scoring": PLAIN,
    "reading": SECOND,
    "writing": PLAIN,
    "idle": THIRD,
    "analysed with a warning": WARN,
}
