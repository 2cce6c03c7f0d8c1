"""Git: worktrees, snapshots, changes, conflicts, landing.

Knows nothing of agents, terminals or screens. Synchronous; callers thread it.
"""
