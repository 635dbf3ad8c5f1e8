"""The protocol between a cage, its nursery and its children: fixed structs, never pickled objects.

A child sends a letter, a length and that many bytes: FILTERED or UNFILTERED when it is ready;
LARGE, after which it waits for one byte. In response to each REQUEST it sends ANSWER and then
PREVIEW and, if the request asks for it, FILM; or, in place of any of them, REFUSAL or FAULT.
"""

import struct

REQUEST = struct.Struct("<QQL2h???")
"""The size in bytes of the upload, which is in shared memory; the pixel limit; the input's side;
the ages that the model is for, in years, or NO_AGES; whether the FILM is wanted; whether the
accession number of a DICOM is; and whether the UIDs of its study and of itself are."""

NO_AGES = (-1, -1)

HEAD = struct.Struct("<cL")
FILTERED, UNFILTERED, LARGE = b"S", b"U", b"L"
ANSWER, PREVIEW, FILM, REFUSAL, FAULT = b"A", b"P", b"I", b"R", b"F"

ANSWER_HEAD = struct.Struct("<3L4BH?")
"""Width, height, the length of the warnings (JSON), which follow, the index of the age in AGES
(`model.reading.ages`) and of the view in VIEWS (`model.reading.views`), and the lengths of the
accession number (UTF-8), of the device (ASCII) and of the references (ASCII,
`model.reading.dicom.references`), which follow the warnings; and whether the file says that text
in its picture identifies the patient. Then the input as float32.
The PREVIEW is a JPEG, which the child makes while the service uses the input already; the FILM is
a PNG of `model.reading.full_film`, which it makes while the service stores the result. A REFUSAL is
[sentence, reason] as JSON, a FAULT is text."""

ORDER = struct.Struct("<ci")
"""To the nursery: FORK and 0, with three file descriptors of the child (its channel, its memory and
the pipe for its status); or KILL and a process id."""
FORK, KILL = b"F", b"K"

STATUS = struct.Struct("<i")
"""Written to the pipe twice: the child's process id, and its exit status by `os.waitpid`."""
