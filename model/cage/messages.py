"""The protocol between a cage, its nursery and its children: fixed structs, never pickled objects.

A child sends a letter, a length and that many bytes: FILTERED or UNFILTERED when it is ready;
LARGE, after which it waits for one byte; ANSWER, REFUSAL or FAULT in response to each REQUEST.
"""

import struct

REQUEST = struct.Struct("<QQL")
"""The size in bytes of the upload, which is in shared memory; the pixel limit; the input's side."""

HEAD = struct.Struct("<cL")
FILTERED, UNFILTERED, LARGE, ANSWER, REFUSAL, FAULT = b"S", b"U", b"L", b"A", b"R", b"F"

ANSWER_HEAD = struct.Struct("<4L")
"""Width, height, and the lengths of the warnings (JSON) and the preview (JPEG). These follow, with
the input as float32 between them. A REFUSAL is [sentence, reason] as JSON, a FAULT is text."""

ORDER = struct.Struct("<ci")
"""To the nursery: FORK and 0, with three file descriptors of the child (its channel, its memory and
the pipe for its status); or KILL and a process id."""
FORK, KILL = b"F", b"K"

STATUS = struct.Struct("<i")
"""Written to the pipe twice: the child's process id, and its exit status by `os.waitpid`."""
