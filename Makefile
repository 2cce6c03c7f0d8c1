# make demo · make test · make faults · make e2e · make bench · make bench-snapshot · make bench-radar · make bench-stats · make bench-train · make bench-backfill · make bench-review · make status-bench · make check · make clean

SHELL := /bin/sh
BIN := .venv/bin
# As many test processes as cores, at most 4.
JOBS := $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); [ "$$n" -gt 4 ] && n=4; echo $$n)

.PHONY: help demo fuzz test faults soak check e2e bench bench-snapshot bench-radar bench-stats bench-train bench-backfill bench-review usage-bench status-bench clean setup setup-dev

help:
	@echo "make demo             play the main job on a throw-away repository (HEADLESS=1: without a terminal)"
	@echo "make test             set up, check style, types and walls, run the tests (of the faults the random walks only)"
	@echo "make faults           play every fault that loses work elsewhere, with and without our guard"
	@echo "make soak             many agents for MINUTES=30, while daemon and dashboard are killed at random"
	@echo "make check            style, types and walls only"
	@echo "make e2e              the real agent CLIs against a scripted model (needs node; NIGHTLY=1: slow flows too)"
	@echo "make fuzz             search for bytes that break what reads them (SECONDS=60 for each of 8; TARGETS=\"inert wire\")"
	@echo "make bench            what sensing costs, beside a polling loop"
	@echo "make bench-snapshot   what a snapshot costs, beside git status"
	@echo "make bench-radar      what foreseeing conflicts costs, and 500 pairs merged for real beside it"
	@echo "make bench-stats      what the statistics cost on a ledger of 1,000,000 events"
	@echo "make bench-train      what a merge train costs beside merging one by one and by halves"
	@echo "make bench-backfill   how full the queue keeps its slots, with a kill of the daemon in between"
	@echo "make bench-review     what reading 200,000 changed lines costs beside 200"
	@echo "make usage-bench      tokens of real CLIs: the server's, ours live, ours from files, tokscale's"
	@echo "make status-bench     how often the status is right, on recorded real CLIs"
	@echo "make clean            remove .venv and caches"

setup:
	@./scripts/setup.sh run

setup-dev:
	@./scripts/setup.sh dev

demo: setup
	@$(BIN)/orchestrator demo $(if $(HEADLESS),--headless)

check: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check
	$(BIN)/pytest -q -n $(JOBS) --ignore-glob='tests/faults/test_[!r]*.py' --ignore=tests/faults/test_removal.py \
		--deselect tests/faults/test_random_walks.py::test_the_walk_finds_what_a_careless_program_loses

faults: setup-dev
	@$(BIN)/python -m pytest -q -n $(JOBS) -p tests.faults.summary tests/faults

soak: setup-dev
	@nice $(BIN)/python -m benchmarks.soak $(or $(MINUTES),30)

e2e: setup-dev
	@./tests/e2e/run.sh

SECONDS ?= 60
fuzz: setup-dev
	@$(BIN)/python -c "import atheris" 2>/dev/null || $(BIN)/python -m pip install -q "atheris>=3,<4"
	@$(BIN)/python -m tests.fuzz $(TARGETS) --seconds $(SECONDS)

bench: setup-dev
	$(BIN)/python -m benchmarks.sense

bench-snapshot: setup-dev
	@$(BIN)/python -m benchmarks.snapshot

bench-radar: setup-dev
	@$(BIN)/python -m benchmarks.radar

bench-review: setup-dev
	@$(BIN)/python -m benchmarks.review

bench-train: setup-dev
	@$(BIN)/python -m benchmarks.train $(if $(BESIDE),--beside $(BESIDE))

bench-backfill: setup-dev
	@$(BIN)/python -m benchmarks.backfill

bench-stats: setup-dev
	@$(BIN)/python -m benchmarks.stats

usage-bench: setup-dev
	@NIGHTLY=1 ./tests/e2e/run.sh -k test_everybody_counts_the_same

status-bench: setup-dev
	@$(BIN)/python -m benchmarks.status

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .fuzz .import_linter_cache dist build
