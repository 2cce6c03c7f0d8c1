"""A goal becomes tasks: a model splits it, what it says is checked, the human edits and launches it."""
