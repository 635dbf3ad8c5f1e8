#!/usr/bin/env python
"""Score a folder of X-rays: the command to type, see `pneumonia_api.batch.run`."""

import os
import sys

from pneumonia_api.batch.run import main

if __name__ == "__main__":
    os.umask(0o077)  # previews are for this account only, as in the service
    sys.exit(main())
