"""The merge train: many branches are tested together, what passes lands, what does not is named.

``plan`` says what to test next (pure), ``culprits`` which set of changes conflicts (pure), ``state`` what is known of a
train, ``stack`` makes the combined trees, ``run`` carries it out in the daemon.
"""
