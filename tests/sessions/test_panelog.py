"""The raw log of a pane stays small and its writer goes on."""

from __future__ import annotations

from pathlib import Path

from sessions.panelog import KEPT, rotate


def test_a_long_log_keeps_its_end_and_the_writer_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "pane.log"
    with path.open("ab", buffering=0) as writer:
        writer.write(b"a" * KEPT + b"b" * KEPT)
        assert rotate(path, limit=KEPT)
        writer.write(b"after")
    assert (tmp_path / "pane.log.1").read_bytes() == b"b" * KEPT
    assert path.read_bytes() == b"after"


def test_a_log_at_its_limit_or_absent_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "pane.log"
    assert not rotate(path, limit=3)
    path.write_bytes(b"abc")
    assert not rotate(path, limit=3)
    assert path.read_bytes() == b"abc"
    assert not (tmp_path / "pane.log.1").exists()


def test_a_log_that_is_shorter_than_what_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "pane.log"
    path.write_bytes(b"abcdef")
    assert rotate(path, limit=5)
    assert (tmp_path / "pane.log.1").read_bytes() == b"abcdef"
