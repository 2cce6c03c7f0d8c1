"""The fault matrix: what users lost their work to elsewhere, played here on real git, tmux and processes.

Every scenario runs at least twice: as the product is, where it must come out unharmed, and once for each of its guards
with that guard taken away, where the very same scenario must end in harm. A test whose guard can go without anybody
being harmed proves nothing, and fails.
"""
