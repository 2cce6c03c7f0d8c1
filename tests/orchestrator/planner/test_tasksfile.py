"""A plan as a tasks file and back: nothing of it is lost, and what is no tasks file is told."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.planner import tasksfile
from orchestrator.planner.ask import Task
from tests.nightly import NIGHTLY

LINE = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20).map(str.strip).filter(bool)
PROMPTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=80).map(str.strip)
TASKS = st.lists(
    st.builds(
        Task,
        name=LINE,
        prompt=PROMPTS.filter(lambda text: tasksfile.KEEP not in text),
        agent=st.none() | LINE,
        area=st.lists(LINE, max_size=3).map(tuple),
        after=st.lists(LINE, max_size=2).map(tuple),
        more=st.dictionaries(st.sampled_from(["model", "base"]), LINE, max_size=2),
    ),
    min_size=1,
    max_size=3,
)


@settings(max_examples=1000 if NIGHTLY else 60, deadline=None)
@given(TASKS)
def test_what_was_written_is_read_again(tasks: list[Task]) -> None:
    assert tasksfile.read(tasksfile.write(tasks, "a head\nof two lines")) == tuple(tasks)


def test_the_agent_reads_its_area_at_the_end_of_its_prompt() -> None:
    text = tasksfile.write([Task(name="a", prompt='Say """hello"""\\n', area=("src/a.py", "docs"), after=("b",))])
    (table,) = tomllib.loads(text)["task"]
    assert table["prompt"].startswith('Say """hello"""\\n\n\nKeep to these files')
    assert table["prompt"].endswith("- src/a.py\n- docs\n")
    assert set(table) == {"name", "prompt", "after"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[task]\n", "line 1"),
        ("x = 1\n", "there is no [[task]]"),
        ("task = [1]\n", "there is no [[task]]"),
        ("[[task]]\nname = 1\n", "task 1: name has to be a text"),
        ('[[task]]\nname = "a"\n[[task]]\nafter = "a"\n', "task 2: after has to be a list of names"),
        ("[[task]]\nmodel = [1]\n", "task 1: model cannot be [1]"),
    ],
)
def test_what_is_no_tasks_file_is_told(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r".") as error:
        tasksfile.read(text)
    assert said in str(error.value)
