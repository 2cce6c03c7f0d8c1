"""Are the agents busy, and if not, is it you? Pure functions over the ledger; docs/metrics.md defines every word.

Times are whole microseconds since 1970 (UTC), so that sums are exact.
"""
