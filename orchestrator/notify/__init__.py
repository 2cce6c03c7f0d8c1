"""Tells the human at breakpoints that something waits: on the terminal, and on the desktop by a command of theirs."""
