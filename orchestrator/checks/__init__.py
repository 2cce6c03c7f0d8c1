"""Checks: named commands that judge a commit, when an agent stops and before anything lands.

``definition`` says what they are, ``engine`` runs them, ``results`` keeps what they said, ``service`` is what the
supervisor knows of them.
"""
