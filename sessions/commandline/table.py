"""What programs are known to do, as tables. A pattern of options holds those that change nothing about it."""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SYSTEM_FOLDERS = frozenset({"/bin", "/usr/bin", "/sbin", "/usr/sbin"})

NOTHING = _words("""
    true false pwd echo sleep : times seq yes logname
""")

READERS = _words("""
    cat tac head tail wc ls dir vdir grep egrep fgrep nl rev cut tr paste join fold fmt expand unexpand comm cmp diff
    stat du df basename dirname realpath readlink which type whoami id groups uname nproc ps pgrep free uptime
    md5sum sha1sum sha224sum sha256sum sha384sum sha512sum cksum sum od hexdump strings expr printenv tty
    locale getconf jq column tsort pstree lscpu lsblk
""")
"""No option of theirs writes, deletes or runs anything."""

GUARDED = {
    "sort": re.compile(r"-[bdfghiMnRrVcCmsuz]*(?:[kt].*)?|--(?:reverse|unique|numeric-sort|check|key=.*|human-.*)"),
    "rg": re.compile(r"(?!--(?:pre|hostname-bin))-.*"),
    "date": re.compile(r"-u|-R|-I.*|--(?:utc|iso-8601.*|rfc-3339=.*|date=.*)|-d.*"),
    "base64": re.compile(r"-[dD]|-w.*|--(?:decode|wrap=.*)"),
    "tree": re.compile(r"-[aCdfILhpsugDFqNSntrcU]*|-L|--(?:noreport|dirsfirst|gitignore)"),
    "file": re.compile(r"-[bihkLnps]+|--(?:brief|mime|mime-type)"),
}
"""Readers some of whose options do more."""

_COPY = re.compile(r"-[afilnprRuvTxP]+|--(?:recursive|archive|force|no-clobber|verbose|parents|preserve(?:=.*)?)")
WRITERS = {
    "touch": (re.compile(r"-[acmf]+|--no-create"), 0),
    "mkdir": (re.compile(r"-[pv]+|--(?:parents|verbose)"), 0),
    "tee": (re.compile(r"-[ai]+|--append"), 0),
    "mv": (re.compile(r"-[finuvT]+|--(?:force|no-clobber|verbose)"), 0),
    "ln": (re.compile(r"-[sfnvrT]+|--(?:symbolic|force|relative)"), 0),
    "chmod": (re.compile(r"-[Rvcf]+|-[rwx]+|--recursive"), 1),
    "truncate": (re.compile(r"-s.*|--size=.*|-c"), 0),
}
"""Their options, and how many arguments come before the paths that they write."""
COPIERS = {"cp": _COPY, "install": re.compile(r"-[dDCvp]+")}
"""They write to their last path; with ``-d`` to each."""

REMOVERS = frozenset({"rm", "rmdir", "unlink", "shred"})

NETWORK = _words("""
    curl wget ssh scp sftp ftp telnet nc ncat netcat socat ping ping6 traceroute dig host nslookup whois rsync http
    https gh glab aws gcloud az kubectl helm terraform pulumi ansible apt apt-get aptitude dnf yum apk pacman zypper
    snap brew port conda mamba npx bunx uvx pipx gem composer cpan cpanm luarocks twine sendmail mail
""")

RUNNERS = _words("""
    python python2 python3 node deno bun ruby perl php lua java make gmake cmake ninja meson gradle mvn ant bazel pytest
    tox nox ruff mypy black eslint prettier tsc jest vitest cargo rustc go gcc cc clang swift dotnet docker podman
    docker-compose vagrant tmux screen nohup setsid crontab at batch systemctl launchctl patch source . eval exec
    awk gawk mawk nawk vi vim nvim nano emacs less more man watch parallel entr strace gdb trap
""")
"""They run, or may run, what is in a file, a configuration or another program."""

TOOLCHAINS = _words("""
    python python2 python3 node deno bun ruby perl php java make cmake cargo rustc go gcc clang npm yarn pnpm pip pip3
    uv     git docker pytest ruff mypy black tsc
""")
"""Their ``--version`` and ``--help`` only print."""

ENVIRONMENT = re.compile(
    r"CI|LANG|LANGUAGE|LC_[A-Z]+|TZ|TERM|COLUMNS|LINES|NO_COLOR|FORCE_COLOR|CLICOLOR|DEBUG|VERBOSE|NODE_ENV|RUST_BACKTRACE"
    r"|PYTHON(?:UNBUFFERED|DONTWRITEBYTECODE|HASHSEED|UTF8)|GIT_TERMINAL_PROMPT|DO_NOT_TRACK"
)
"""Variables that change no program's work but how it looks."""
NAMES = re.compile(
    r"[a-z]|file|files|dir|name|line|out|result|count|src|dst|branch|commit|repo|test|base|target|version"
)
"""Variables of a script's own. ``path``, ``cdpath`` and others mean something to zsh."""

PACKAGES = {
    "pip": ("list show freeze check", "install download wheel uninstall index search"),
    "pip3": ("list show freeze check", "install download wheel uninstall index search"),
    "npm": (
        "ls list root prefix bin",
        "install i ci add update upgrade uninstall remove rm un audit outdated view info "
        "publish search login logout whoami link dedupe pack init create",
    ),
    "yarn": ("", "install add remove upgrade up outdated info publish"),
    "pnpm": ("ls list", "install i add remove update up outdated publish fetch"),
    "uv": ("", "pip sync add remove lock tool python venv publish"),
    "cargo": ("tree metadata", "install fetch add remove update publish search login yank"),
    "go": ("version list", "get install mod"),
    "bundle": ("", "install update add outdated"),
    "docker": ("ps images logs inspect version info", "pull push login search"),
    "podman": ("ps images logs inspect version info", "pull push login search"),
}
"""By the first argument: what only reads, what goes to a registry. Anything else runs code of the project."""
