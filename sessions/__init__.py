"""One coding agent at work: its pane, its adapter, what it is doing, what it used.

May use :mod:`worktrees`. Knows no fleet, no screen, no database.
"""
