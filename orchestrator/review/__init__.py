"""Reviewing a session's work: what was looked at, comments on lines, and part of it to land."""
