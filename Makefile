# The commands of the project. `make help` lists them; each does its own set-up into .venv.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
RENDERER ?= auto
BIN := .venv/bin
PY := $(BIN)/python
LDEVAL := $(PY) -m ldeval
STAMP := .venv/installed
# Extras asked for once stay: `make setup EXTRAS=spark` installs Spark too, `make setup EXTRAS=` takes it out again.
EXTRAS ?= $(shell cat .venv/extras 2>/dev/null)
LOCK_FILE := requirements$(if $(EXTRAS),-$(EXTRAS)).lock
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX :=

# A virtual environment holds absolute paths: a moved checkout makes it anew.
ifneq ($(shell cat $(STAMP) 2>/dev/null),$(CURDIR) $(LOCK_FILE))
$(shell rm -f $(STAMP))
endif

.PHONY: help setup report preview screenshots test test-slow test-spark check accept bench bench-scale quarto lock clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' Makefile

setup: $(STAMP) ## install everything into .venv (EXTRAS=spark: with Spark; from the package index, hashes checked)

$(STAMP): pyproject.toml $(LOCK_FILE)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed; name one: make setup PYTHON=python3.12" >&2; exit 1; }
	@test -x $(PY) && $(PY) -c '' 2>/dev/null || { echo "Making .venv"; rm -rf .venv; $(PYTHON) -m venv .venv; }
	@echo "Installing the locked packages into .venv"
	@awk '/^[^ #]/{on = /^uv==/} on' $(LOCK_FILE) > .venv/uv.lock
	@index=$$($(PY) -m pip config get global.index-url 2>/dev/null); \
	 { $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.lock \
	   && UV_DEFAULT_INDEX=$${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$$index}} $(PY) -m uv pip sync --quiet --python $(PY) --require-hashes --compile-bytecode --link-mode copy $(LOCK_FILE); } \
	 || { echo "uv could not install them; trying pip"; $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r $(LOCK_FILE); }
	@$(PY) -m uv pip install --quiet --python $(PY) --no-deps --no-build-isolation --no-index --editable .
	@$(PY) -m compileall -q ldeval
	@printf '%s' '$(EXTRAS)' > .venv/extras
	@printf '%s' '$(CURDIR) $(LOCK_FILE)' > $(STAMP)

report: $(STAMP) ## build the report into _report/ (RENDERER=quarto uses Quarto)
	@$(LDEVAL) report --renderer $(RENDERER)

preview: $(STAMP) ## serve the report on this machine, rebuild on change
	@$(LDEVAL) preview

screenshots: report ## take the pictures in docs/ anew (Chromium and pdftoppm)
	@$(PY) docs/screenshots.py

test: $(STAMP) ## run the tests
	@$(PY) -m pytest -n auto --dist loadfile --no-loadscope-reorder -m "not slow and not spark"

test-slow: $(STAMP) ## run the simulations of coverage
	@$(PY) -m pytest -n auto -m slow

test-spark: $(STAMP) ## run the tests on Spark (needs Java and make setup EXTRAS=spark)
	@$(PY) -m pytest -n 3 --dist loadfile -m spark

check: $(STAMP) ## lint, format and types
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy

accept: $(STAMP) ## show what moved in the key figures, then accept it
	@$(LDEVAL) accept

bench: $(STAMP) ## measure against peers
	@for file in $(filter-out $(addprefix benchmarks/,copies.py machine.py scale.py),$(wildcard benchmarks/*.py)); do echo "$$file"; $(PY) $$file || exit 1; done

bench-scale: $(STAMP) ## measure DuckDB and Spark up to two million users (an hour; Java and EXTRAS=spark)
	@$(PY) benchmarks/scale.py

quarto: $(STAMP) ## install Quarto into .venv, where the network allows its download
	@told=$$($(PY) -m pip install --quiet --disable-pip-version-check --no-deps quarto-cli 2>&1) && printf 'Installed: Quarto ' && $(BIN)/quarto --version \
	 || { echo "$$told" | tail -n 4; echo "Quarto could not be installed: its package downloads the program, which failed here. The built-in renderer needs no Quarto."; exit 1; } >&2

COMPILE = $(PY) -m uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes $(LOCK) \
	  --no-emit-index-url --no-annotate --custom-compile-command "make lock" --quiet

lock: $(STAMP) ## resolve the packages anew into requirements.lock, and into requirements-spark.lock with Spark
	@$(COMPILE) --extra dev --output-file requirements.lock
	@$(COMPILE) --extra dev --extra spark --constraint requirements.lock --output-file requirements-spark.lock

clean: ## remove what was built (not .venv)
	@rm -rf _report _report.* _results _results.* _build .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
