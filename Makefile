# `make demo` and `make test` are all that a fresh machine needs; each makes .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA ?= ../shared/data

.PHONY: setup demo ui browser test lint bench train-reader lock clean

setup: $(VENV)/ready

$(VENV)/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Clew needs Python 3.11 or newer; name one with make PYTHON=python3.12" >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) || \
		{ echo "On Debian and Ubuntu: apt-get install python3-venv, then the same again" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[dev]"
	@touch $@

demo: setup
	@$(BIN)/python -m app.demo

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# What the tests of the pages are driven with; they are skipped where it cannot be had.
browser:
	@.ci/browser

ui: setup
	$(BIN)/clew ui

test: lint browser
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

bench: setup
	$(BIN)/python tests/benchmarks/bench.py --data $(DATA)

# The embedded reader's weights, about two and a half hours on two cores; broken off, it goes on where it was.
# With memory in large pages a step takes 0.37 s, with small ones 0.46.
train-reader: setup
	GLIBC_TUNABLES=glibc.malloc.hugetlb=1 $(BIN)/python -m reader.training --data $(firstword $(wildcard $(DATA)/reader) $(DATA)) --out data/reader --work training

# What is installed now becomes what everybody installs.
lock: setup
	$(BIN)/python -m pip freeze --exclude-editable --disable-pip-version-check | sed 's/+cpu$$//' > constraints.txt

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
