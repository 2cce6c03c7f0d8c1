"""What can go wrong with a session. Each error says what failed and what to do next.

SessionError
├── AgentUnknown      no adapter of that name
├── AgentMissing      the program is not installed
├── TmuxMissing       tmux is not installed, or too old
├── TmuxGone          our tmux server is not running any more
├── PaneGone          the pane of a session is dead or closed
├── QuestionGone      the question that was answered is not open any more
├── NotAnOption       the choice is none of the question's options
├── SubmitFailed      a message was pasted but the agent did not take it
└── HumanTypes        somebody types in the pane at this moment
"""

from __future__ import annotations


class SessionError(Exception):
    """Root of this package's errors. ``hint`` names the next step."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class AgentUnknown(SessionError):
    pass


class AgentMissing(SessionError):
    pass


class TmuxMissing(SessionError):
    pass


class TmuxGone(SessionError):
    pass


class PaneGone(SessionError):
    pass


class QuestionGone(SessionError):
    pass


class NotAnOption(SessionError):
    pass


class SubmitFailed(SessionError):
    pass


class HumanTypes(SessionError):
    pass
