"""``python -m orchestrator``: the same as the command ``orchestrator``."""

import sys

from orchestrator.cli import main

sys.exit(main())
