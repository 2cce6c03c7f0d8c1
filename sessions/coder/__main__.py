"""``python -m sessions.coder``."""

import sys

from sessions.coder import main

sys.exit(main())
