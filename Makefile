# `make demo` and `make test` do everything on a fresh machine with Python 3.11 or newer.

PYTHON ?= python3
BIN := .venv/bin
JOBS ?= 2
PYTEST_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help python setup setup-dev browser demo test hunt check format bench docs pictures lock clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Voidtrail needs Python 3.11 or newer, and '$(PYTHON)' is $$($(PYTHON) --version 2>&1)." >&2; \
	  echo "Name another one: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 3; }

setup: python ## install what running and the demo need into .venv
	@$(PYTHON) scripts/setup demo

setup-dev: python ## install everything that working on Voidtrail needs into .venv
	@$(PYTHON) scripts/setup dev

demo: setup ## play a merchant's day against a real server (DEMO_EXIT=1: leave after the summary)
	@$(BIN)/voidtrail simulate --demo

test: setup-dev check browser ## every check and every test; CI runs exactly this
	HYPOTHESIS_PROFILE=$${HYPOTHESIS_PROFILE:-laws} $(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(PYTEST_ARGS)

hunt: setup-dev ## let chance look for what breaks a law: 20,000 new examples each (hours)
	HYPOTHESIS_PROFILE=hunt $(BIN)/python -m pytest -n $(JOBS) --dist worksteal tests/property tests/contract tests/unit

browser:
	@scripts/browser

check: setup-dev ## style, types and who imports whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup-dev ## mend what the style checks can mend themselves
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup ## measure this machine, beside the peers that it makes environments for
	@PYTHON="$(PYTHON)" benchmarks/peers/setup
	@$(BIN)/voidtrail bench

docs: setup-dev ## run every example in README.md and docs/
	$(BIN)/python -m pytest tests/docs

pictures: setup-dev browser ## take the pictures of docs/tutorial anew (needs Chromium)
	$(BIN)/python -m tests.end_to_end.pictures

lock: setup-dev ## resolve requirements/*.lock anew, keeping the pins that still fit
	scripts/lock

clean: ## remove everything that was made here, .venv included
	rm -rf .venv .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
