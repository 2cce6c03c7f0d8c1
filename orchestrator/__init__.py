"""The fleet: supervisor, ledger, command line, dashboard. Uses :mod:`sessions` and :mod:`worktrees`."""

__version__ = "0.1.0"
