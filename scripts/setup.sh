#!/bin/sh
# Prepares .venv: `scripts/setup.sh run` for using the program, `scripts/setup.sh dev` for tests too.
# Says in one line what is missing, before anything is made. PYTHON names another interpreter.
set -eu

cd "$(dirname "$0")/.."
mode=${1:-run}
python=${PYTHON:-python3}

missing() { # what is wrong, packages of Debian, Fedora, Arch, macOS
    echo "orchestrator: $1. Install it: apt install $2 (Debian) · dnf install $3 (Fedora) · pacman -S $4 (Arch) · brew install $5 (macOS)" >&2
    exit 1
}

at_least() { # "tmux 3.3a" 3 2: the first number pair of the text is at least that
    pair=$(printf '%s\n' "$1" | sed -n 's/^[^0-9]*\([0-9][0-9]*\)\.\([0-9][0-9]*\).*/\1 \2/p' | head -n 1)
    [ -n "$pair" ] || return 0
    major=${pair% *} minor=${pair#* }
    [ "$major" -gt "$2" ] || { [ "$major" -eq "$2" ] && [ "$minor" -ge "$3" ]; }
}

command -v "$python" >/dev/null 2>&1 || missing "python3 3.11 or newer is needed, and there is none" "python3 python3-venv" python3 python python@3.12
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || echo 0.0)
at_least "$version" 3 11 || missing "python3 3.11 or newer is needed, this one is $version" "python3 python3-venv" python3 python python@3.12
"$python" -c 'import venv, ensurepip' 2>/dev/null || missing "this python3 comes without venv" python3-venv python3 python python@3.12
command -v git >/dev/null 2>&1 || missing "git 2.38 or newer is needed, and there is none" git git git git
at_least "$(git --version)" 2 38 || missing "git 2.38 or newer is needed, this is $(git --version)" git git git git
command -v tmux >/dev/null 2>&1 || missing "tmux 3.2 or newer is needed, and there is none" tmux tmux tmux tmux
at_least "$(tmux -V)" 3 2 || missing "tmux 3.2 or newer is needed, this is $(tmux -V)" tmux tmux tmux tmux

# The tests of sealed sessions need it for all that they show; the program says itself when it is not there.
if [ "$mode" = dev ] && ! command -v bwrap >/dev/null 2>&1; then
    if [ "$(id -u 2>/dev/null)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        { apt-get install -y bubblewrap || { apt-get update && apt-get install -y bubblewrap; }; } >/dev/null 2>&1 || true
    fi
    command -v bwrap >/dev/null 2>&1 || echo "orchestrator: without bubblewrap sealed sessions are tried without their box. Install it: apt install bubblewrap (Debian) · dnf install bubblewrap (Fedora) · pacman -S bubblewrap (Arch)" >&2
fi

# What is installed depends on these; the stamp is written last, so a set-up that was cut off is done again.
wanted="$(cat pyproject.toml constraints.txt | cksum) $version"
stamp=.venv/.ready-$mode
if [ -x .venv/bin/python ] && .venv/bin/python -c '' 2>/dev/null; then
    [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && exit 0
    [ "$mode" = run ] && [ -f .venv/.ready-dev ] && [ "$(cat .venv/.ready-dev)" = "$wanted" ] && exit 0
else
    rm -rf .venv
    "$python" -m venv .venv
fi

echo "Installing into .venv (once) …" >&2
rm -f .venv/.ready-*
set -- --quiet --disable-pip-version-check -c constraints.txt -e .
if [ "$mode" = dev ]; then
    .venv/bin/python -c '
import tomllib
with open("pyproject.toml", "rb") as file:
    print("\n".join(tomllib.load(file)["dependency-groups"]["dev"]))' >.venv/dev.txt
    set -- "$@" -r .venv/dev.txt
fi
if ! .venv/bin/python -m pip install "$@"; then
    echo "orchestrator: pip could not install what is needed (see above). Is the package index reachable? Then try again." >&2
    exit 1
fi
printf '%s' "$wanted" >"$stamp"
