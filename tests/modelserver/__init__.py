"""A scripted model behind the three APIs that coding agents speak. It keeps no state of a conversation.

The prompt itself says what the model does: ``[[steps:[{…}, …]]]`` in a user's message. The step is the number of the
model's answers since that message, so retries, resumes and any number of agents at once need no bookkeeping. A step::

    {"say": "text", "use": [{"tool": "run", "command": "ls", "why": "to see"}], "wait": 0.5, "slow": 0.02,
     "usage": {"input": 900, "output": 40, "cache_read": 300, "cache_write": 20},
     "fail": {"status": 529, "times": 2, "retry_after": 1, "headers": {…}, "body": {…}}}

Tools have neutral names (run, write, ask, plan) and become those that the asking agent offers. ``write`` to the path
PLAN writes the file in which Claude Code keeps its plan, ``plan`` shows it.
"""

from tests.modelserver.server import ModelServer

__all__ = ["ModelServer"]
