"""The release that runs: the commit that `git archive` writes into this file (.gitattributes)."""

_COMMIT = "$Format:%H$"

RELEASE = "working copy" if _COMMIT.startswith("$") else _COMMIT[:12]
"""The same as in the name of the archive that hosts install."""
