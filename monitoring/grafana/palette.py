"""The colours of all dashboards: Okabe and Ito's, which people of every colour vision tell apart.

A colour has one meaning everywhere. States are told in words too, never by colour alone; what a
model decided (pneumonia, normal) has colours that judge nothing.
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

# For series whose names are known beforehand.
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
    "half": QUIET,
    "95 %": PLAIN,
    "99 %": SECOND,
    "waiting": PLAIN,
    "in workers' hands": THIRD,
    "decode": THIRD,
    "predict": PLAIN,
    "store": SECOND,
    "done": PLAIN,
    "rejected": QUIET,
    "failed": BAD,
    "unread": WARN,
    "tried again": WARN,
    "validation": THIRD,
    "test": PLAIN,
    "web": PLAIN,
    "API": THIRD,
    "oldest": PLAIN,
    "busiest": PLAIN,
    "all": THIRD,
    "used": PLAIN,
    "of the process": THIRD,
    "free": "#3a3d44",
    "in use": PLAIN,
    "watts": SECOND,
    "degrees": WARN,
    "training": PLAIN,
    "scoring": PLAIN,
    "reading": SECOND,
    "answering": PLAIN,
    "idle": THIRD,
    "judged with a doubt": WARN,
}
