# goldpan's commands. Nothing is needed but Python 3.11 or later and make.
.DEFAULT_GOAL := help
PYTHON ?= python3.11
SEED ?= 1
OUT ?= out/demo
BIN := .venv/bin
INSTALLED := .venv/installed

.PHONY: help demo test check unit chaos train-test format clean

help:  ## Say what each command does
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18

$(INSTALLED): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "goldpan needs Python 3.11 or later: install it, or name it: make PYTHON=python3.12 …" >&2; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(INSTALLED)  ## Mine a small Reddit that runs on this machine, and show what came out
	$(BIN)/goldpan mine demo,seed=$(SEED) --out $(OUT)
	$(BIN)/goldpan yields $(OUT)

test: check unit  ## Everything that CI runs: lint, types, layout and tests

check: $(INSTALLED)  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

unit: $(INSTALLED)  ## The tests alone
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

chaos: $(INSTALLED)  ## Kill, cut, fill and corrupt forty runs, and see that nothing is lost (half an hour)
	$(BIN)/python -m tests.chaos

train-test: $(INSTALLED)  ## Install torch and run the tests that train
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,train]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --no-deps rapidocr-onnxruntime
	$(BIN)/pytest tests/flows/watermarks

format: $(INSTALLED)  ## Format the code
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

clean:  ## Remove what the commands above built here
	rm -rf .venv out .pytest_cache .mypy_cache .ruff_cache
