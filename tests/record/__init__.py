"""Records real agent CLIs into the labelled corpus, and replays it through the detector.

``python -m tests.record AGENT [FLOW …] --bin DIR`` drives the real CLI of an agent through flows against the scripted
model server, in a network of its own, and writes ``tests/corpus/AGENT/VERSION/FLOW.jsonl.gz``: everything that the
detector was told (files, bytes, screens, titles, ends of processes), in order, with times, and labels.

A label is a moment of which the truth is known independently of the detector: the flow's script says what the agent is
at, and a *mark* (a regex on the raw screen, read by an observer of its own every 15 ms) proves that it got there.

* ``stage.py``    the place: home, repository, worktree, model server, tmux server, one live session
* ``driver.py``   what a flow can do and say: start, moment, answer, press, kill …
* ``flows.py``    flows that every agent goes through; an agent's module may add its own
* ``afterwards.py``  flows that the detector was not made with, played by name
* ``agents/``     one module an agent: how its CLI is set up, and its marks
* ``tape.py``     the file format
* ``replay.py``   a tape through reader and engine again; used by the tests and by ``make status-bench``

An agent's module has ``SETUP: Setup`` (see ``setup.py``) and may have ``FLOWS: dict[str, Flow]``.
"""
