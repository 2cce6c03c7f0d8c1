"""Budgets and rate limits."""
