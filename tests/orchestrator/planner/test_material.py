"""What a model is shown of a repository: from a commit, within its limits, nothing secret."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.planner.material import README, SYMBOLS, TREE, Material, gather, told
from tests.machine import Machine
from tests.nightly import NIGHTLY


def test_a_commit_is_shown_without_what_may_be_secret(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "m")
    machine.write(".gitignore", "ignored.txt\n")
    machine.write("ignored.txt", "TOKEN-IGNORED")
    machine.write("src/shop.py", "import os\n\nclass Shop:\n    def hidden(self): ...\n\nasync def main(): ...\n")
    machine.write("web/app.ts", "export default function start() {}\nexport interface Cart {}\n")
    machine.write("cmd/main.go", "func (s *Server) Serve() {}\ntype Server struct{}\n")
    for name in (".env", ".env.local", "deploy/id_rsa", "certs/server.pem", "secrets/a.py", "credentials.json"):
        machine.write(name, "def TOKEN_TRACKED(): ...\n")
    machine.write("bad\x1b[2J\u202e.py", "def shown(): ...\n")
    machine.write("README.md", "# Shop\nsells\x1b[31m things\n")
    machine.commit("all")
    machine.write("untracked.txt", "TOKEN")
    with machine._home():
        material = gather(machine.repository)
        text = told(material)
    assert "TOKEN" not in text
    for name in (".env", "id_rsa", "server.pem", "secrets", "credentials.json", "untracked", "ignored.txt"):
        assert name not in text
    assert "src/shop.py 7" in text  # with its size
    assert "src/shop.py: Shop, main" in text
    assert "web/app.ts: start, Cart" in text
    assert "cmd/main.go: Serve, Server" in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "# Shop\nsells" in text


@settings(max_examples=300 if NIGHTLY else 25, deadline=None)
@given(st.integers(0, 3000), st.integers(1, 40), st.integers(0, 5), st.text(max_size=50))
def test_however_large_it_stays_within_the_limits(count: int, folders: int, depth: int, word: str) -> None:
    below = "/".join(["deep"] * depth)
    files = {f"f{n % folders}/{below}/{word.replace('/', '')}{n}.py": n for n in range(count)}
    symbols = {name: tuple(f"name{n}" for n in range(20)) for name in files}
    text = told(Material(files, "r" * 100_000, symbols))
    assert len(text) <= TREE + README + SYMBOLS + 200
    if count:
        assert f"f{0}" in text


def test_a_folder_that_is_too_large_is_told_by_its_number_and_size() -> None:
    files = {f"big/sub{n % 3}/file-with-a-long-name-{n}.txt": 10 for n in range(3000)} | {"top.txt": 5}
    text = told(Material(files, "", {}))
    assert "big/sub0/ (1000 files, 10000)" in text
    assert "top.txt 5" in text
    assert "file-with" not in text
