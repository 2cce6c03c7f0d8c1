"""The engine on real commits with real processes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.checks.definition import Check, listed
from orchestrator.checks.engine import Engine, Job, Phase, Progress, Reuse
from worktrees.models import Outcome
from worktrees.repository import Repository

Make = Callable[..., Job]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def clean(repository: Repository) -> bool:
    return len(repository.worktrees()) == 1 and not list(repository.own.glob("scratch-*"))


async def test_every_check_has_a_fresh_worktree_of_exactly_the_commit(
    engine: Engine, job: Make, commit: Callable[..., str], repository: Repository
) -> None:
    first = commit(b_txt="b\n")
    commit(b_txt="later\n")
    look = "pwd; git rev-parse HEAD; cat b.txt; test ! -e left; touch left"
    report = await engine.run(job(first, one=look, two=f"{look}; true"))
    assert report.good
    outputs = [result.output.splitlines() for result in report.results]
    assert [lines[1:] for lines in outputs] == [[first, "b"], [first, "b"]]
    assert outputs[0][0] != outputs[1][0]
    assert clean(repository)


async def test_a_result_stands_for_an_equal_tree_whatever_the_branch(
    engine: Engine, job: Make, commit: Callable[..., str], tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    count = f"echo x >> {ran}; echo said"
    first = await engine.run(job(commit(b_txt="b\n"), count=count))
    commit(b_txt="other\n")
    again = await engine.run(job(commit("Back to the first", b_txt="b\n"), count=count))
    assert again.tree == first.tree
    assert again.commit != first.commit
    (result,) = again.results
    assert (result.reused, result.output, result.outcome) == (True, "said\n", Outcome.PASSED)
    assert ran.read_text() == "x\n"
    await engine.run(job(commit(b_txt="new\n"), count=count))
    assert ran.read_text() == "x\n" * 2  # another tree
    await engine.run(job("HEAD", Check(name="count", command=count, env={"A": "1"})))
    assert ran.read_text() == "x\n" * 3  # another definition
    await engine.run(job("HEAD", count=count, env={**os.environ, "PYTHONHASHSEED": "7"}))
    assert ran.read_text() == "x\n" * 4  # another environment
    await engine.run(job("HEAD", count=count, env={**os.environ, "TERM": "vt52"}))
    assert ran.read_text() == "x\n" * 4  # a terminal is none
    await engine.run(replace(job("HEAD", count=count), reuse=Reuse.NONE))
    assert ran.read_text() == "x\n" * 5


async def test_what_failed_is_asked_anew_unless_all_results_stand(engine: Engine, job: Make, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    asked = job("HEAD", Check(name="bad", command=f"echo x >> {ran}; exit 4", retries=0))
    report = await engine.run(asked)
    assert [(one.outcome, one.exit_code) for one in report.bad] == [(Outcome.FAILED, 4)]
    assert (await engine.run(replace(asked, reuse=Reuse.ALL))).results[0].reused
    assert ran.read_text() == "x\n"
    assert not (await engine.run(asked)).results[0].reused
    assert ran.read_text() == "x\nx\n"


async def test_two_that_ask_the_same_at_once_share_one_run(engine: Engine, job: Make, tmp_path: Path) -> None:
    ran, go = tmp_path / "ran", tmp_path / "go"
    os.mkfifo(go)
    asked = job("HEAD", one=f"echo x >> {ran}; cat {go}")
    both = asyncio.gather(engine.run(asked), engine.run(asked))
    await asyncio.to_thread(go.write_text, "on\n")
    first, second = await both
    assert first == second
    assert ran.read_text() == "x\n"


async def test_a_check_that_needs_another_waits_for_it_and_is_not_run_without(
    engine: Engine, job: Make, tmp_path: Path
) -> None:
    order = tmp_path / "order"
    late = Check(name="late", command=f"echo late >> {order}", needs=("early",))
    never = Check(name="never", command=f"echo never >> {order}", needs=("bad", "early"))
    bad = Check(name="bad", command="exit 1", retries=0)
    report = await engine.run(job("HEAD", never, late, bad, early=f"sleep 0.1; echo early >> {order}"))
    assert order.read_text() == "early\nlate\n"
    assert [(one.name, one.outcome) for one in report.results] == [
        ("never", Outcome.BLOCKED),
        ("late", Outcome.PASSED),
        ("bad", Outcome.FAILED),
        ("early", Outcome.PASSED),
    ]
    assert report.results[0].not_run == "it needs bad"


async def test_a_check_runs_only_when_a_path_of_it_was_changed(
    engine: Engine, job: Make, commit: Callable[..., str]
) -> None:
    base = commit(docs__x_md="1\n", src__deep__x_py="1\n")
    tip = commit(docs__x_md="2\n")
    checks = [
        Check(name="docs", command="true", paths=("docs/*.md",)),
        Check(name="code", command="false", paths=("src/**/*.py", "*.toml")),
        Check(name="rest", command="false", paths=("**", "!docs/**")),
    ]
    report = await engine.run(job(tip, *checks, base=base))
    assert [one.outcome for one in report.results] == [Outcome.PASSED, Outcome.SKIPPED, Outcome.SKIPPED]
    assert report.good
    assert [one.outcome for one in (await engine.run(job(tip, *checks))).bad] == [Outcome.FAILED, Outcome.FAILED]


async def test_one_that_passes_when_it_is_run_once_more_is_flaky(engine: Engine, job: Make, tmp_path: Path) -> None:
    once = tmp_path / "once"
    seen: list[Progress] = []
    words = f"test ! -e here && touch here && test -e {once} && exit 0; touch {once}; echo by chance; exit 1"
    (result,) = (await engine.run(job("HEAD", shaky=words), seen.append)).results
    assert (result.outcome, result.output, result.good) == (Outcome.FLAKY, "by chance\n", True)
    assert [one.phase for one in seen] == [Phase.WAITS, Phase.RUNS, Phase.AGAIN, Phase.ENDED]


async def test_what_leaves_a_process_behind_is_void_and_the_process_is_gone(
    engine: Engine, job: Make, tmp_path: Path, repository: Repository
) -> None:
    """A daemon by the book: forked twice, in a session of its own, with an environment that says nothing."""
    pid = tmp_path / "pid"
    daemon = f"env -i /bin/sh -c 'setsid sh -c \"(echo \\$\\$ > {pid}; exec sleep 321) & true\" &'; sleep 0.2"
    (result,) = (await engine.run(job("HEAD", forks=daemon))).results
    assert result.outcome is Outcome.VOID
    assert "sleep 321" in result.void
    assert not alive(int(pid.read_text()))
    assert clean(repository)


async def test_what_edits_the_tree_is_void_and_says_which_file(engine: Engine, job: Make) -> None:
    (result,) = (await engine.run(job("HEAD", mends="echo mended > a.txt"))).results
    assert (result.outcome, result.good) == (Outcome.VOID, False)
    assert "a.txt" in result.void


async def test_one_that_hangs_is_ended_with_all_that_it_started(engine: Engine, job: Make, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    words = f"echo $$ >> {pids}; (trap '' TERM HUP INT; echo $$ >> {pids}; sleep 300) & sleep 300"
    (result,) = (await engine.run(job("HEAD", Check(name="hangs", command=words, timeout=0.5)))).results
    assert (result.outcome, result.good) == (Outcome.TIMEOUT, False)
    assert not any(alive(int(pid)) for pid in pids.read_text().split())


async def test_what_is_cancelled_ends_at_once_and_leaves_nothing(
    engine: Engine, job: Make, tmp_path: Path, repository: Repository
) -> None:
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    asked = job("HEAD", long=f"echo $$ > {ready}; exec sleep 300")
    running = asyncio.ensure_future(engine.run(asked))
    pid = int(await asyncio.to_thread(ready.read_text))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not alive(pid)
    assert clean(repository)


async def test_one_of_two_that_wait_may_go_without_ending_it_for_the_other(
    engine: Engine, job: Make, tmp_path: Path
) -> None:
    go, ready = tmp_path / "go", tmp_path / "ready"
    os.mkfifo(go)
    os.mkfifo(ready)
    asked = job("HEAD", one=f"echo > {ready}; cat {go}")
    first, second = asyncio.ensure_future(engine.run(asked)), asyncio.ensure_future(engine.run(asked))
    await asyncio.to_thread(ready.read_text)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await asyncio.to_thread(go.write_text, "on\n")
    assert (await second).results[0].output == "on\n"


async def test_no_more_run_at_once_than_there_are_slots_and_than_a_check_allows(
    engine: Engine, job: Make, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    words = f"echo + >> {log}; sleep 0.1; echo - >> {log}"
    alone = [Check(name="alone", command=f"{words} #{n}", parallel=1) for n in range(3)]
    many = [engine.run(job("HEAD", one)) for one in alone]
    many += [engine.run(job("HEAD", Check(name=f"free{n}", command=f"{words} # {n}"))) for n in range(2)]
    await asyncio.gather(*many)
    depth = most = 0
    for line in log.read_text().split():
        depth += 1 if line == "+" else -1
        most = max(most, depth)
    assert most == engine.slots == 2


async def test_the_older_list_runs_in_order_in_one_worktree(engine: Engine, job: Make, repository: Repository) -> None:
    report = await engine.run(job("HEAD", *listed(("echo made > built", "cat built", "exit 3", "true"))))
    assert [one.outcome for one in report.results] == [
        Outcome.PASSED,
        Outcome.PASSED,
        Outcome.FAILED,
        Outcome.BLOCKED,
    ]
    assert report.results[1].output == "made\n"
    assert clean(repository)


async def test_output_is_bounded_and_its_end_is_kept(engine: Engine, job: Make) -> None:
    (result,) = (await engine.run(job("HEAD", loud="yes 0123456789 | head -c 3000000; echo the end"))).results
    assert result.output.endswith("the end\n")
    assert len(result.output) <= 64 << 10
