"""Which release runs: the commit that `git archive` writes into this file (see .gitattributes)."""

_COMMIT = "$Format:%H$"

RELEASE = "working copy" if _COMMIT.startswith("$") else _COMMIT[:12]
"""As in the name of the archive that the hosts install; a working copy is no release."""
