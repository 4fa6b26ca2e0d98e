# Everything here works on a fresh machine with Python 3.11 or newer and make: the virtual environment is made and
# filled first, and again only when pyproject.toml or constraints.txt changes.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RAW ?= raw
CLEAN ?= clean

PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: help run test test-all lint format bench floors constraints
.DELETE_ON_ERROR:

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

run: $(VENV)/.stamp-run  ## clean new and changed files of raw/ into clean/
	$(BIN)/pipeline run --raw $(RAW) --clean $(CLEAN)

test: lint  ## lint, then all tests that take seconds
	$(BIN)/python -m pytest -q -n auto --dist loadgroup -m "not long"

test-all: lint  ## lint, then all tests, the laws with more examples
	LAW_EXAMPLES=3000 $(BIN)/python -m pytest -q -n auto --dist loadgroup

lint: $(VENV)/.stamp-dev  ## ruff, mypy and the layering contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.stamp-dev  ## format, and mend what ruff can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.stamp-bench  ## score the cleaner and its peers against the gold files
	$(BIN)/python -m bench.quality

floors: $(VENV)/.stamp-dev  ## raise the floors of quality to what is reached now
	$(BIN)/python -m tests.floors

constraints: $(VENV)/.stamp-bench  ## pin what is installed now, after an upgrade that passed the tests
	@echo '# Made by `make constraints`: the versions the tests passed with, for `pip install -c`.' > constraints.txt.new
	$(PIP) freeze --exclude-editable --local | LC_ALL=C sort -f >> constraints.txt.new
	mv constraints.txt.new constraints.txt

$(VENV)/.stamp-venv:
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.stamp-run: $(VENV)/.stamp-venv pyproject.toml constraints.txt
	$(PIP) install --quiet -c constraints.txt -e ".[readers]"
	@touch $@

$(VENV)/.stamp-dev: $(VENV)/.stamp-venv pyproject.toml constraints.txt
	$(PIP) install --quiet -c constraints.txt -e ".[dev]"
	@touch $@ $(VENV)/.stamp-run

$(VENV)/.stamp-bench: $(VENV)/.stamp-dev pyproject.toml constraints.txt
	@# pip 23 breaks off where two packages ask for one extra in two spellings (lxml[html_clean]).
	$(PIP) install --quiet --upgrade "pip>=25"
	$(PIP) install --quiet -c constraints.txt -e ".[dev,bench]"
	@touch $@
