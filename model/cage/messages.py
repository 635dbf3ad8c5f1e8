"""What a cage, its nursery and its children send each other: a few numbers, never an object.

A child answers with a letter, a length and so many bytes: FILTERED or UNFILTERED when it is ready;
LARGE, after which it waits for one byte; ANSWER, REFUSAL or FAULT for each REQUEST.
"""

import struct

REQUEST = struct.Struct("<QQL")
"""The upload's bytes, which lie in the shared memory; the limit of pixels; the input's side."""

HEAD = struct.Struct("<cL")
FILTERED, UNFILTERED, LARGE, ANSWER, REFUSAL, FAULT = b"S", b"U", b"L", b"A", b"R", b"F"

ANSWER_HEAD = struct.Struct("<4L")
"""Width, height, and the lengths of the warnings (JSON) and the preview (JPEG); these two follow,
with the input as float32 between them. A REFUSAL is sentence and reason as JSON, a FAULT text."""

ORDER = struct.Struct("<ci")
"""To the nursery: FORK and 0, with the three files of a child: its channel, its memory, and where
the nursery writes of it; or KILL and a process id."""
FORK, KILL = b"F", b"K"

STATUS = struct.Struct("<i")
"""Written first with the id of the child, then with its end as `os.waitpid` gives it."""
