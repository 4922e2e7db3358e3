# Two commands matter to a newcomer: `make demo` and `make test`. Both set up what they need in .venv.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Enough to keep two cores busy; raise it on a larger machine.
JOBS ?= 2
# Errors alone: a warning for each of a hundred packages would bury what is to be seen.
INSTALL := install -qq --disable-pip-version-check

.PHONY: help setup demo test coverage fuzz lint format bench notebooks lock clean

help:
	@echo "make demo       answer two questions through both adapters, streamed"
	@echo "make test       run the tests"
	@echo "make coverage   run the tests, and show which branches of the packages they do not reach"
	@echo "make fuzz       20,000 examples of each property of tests/fuzz (HYPOTHESIS_PROFILE=brief for 2,000)"
	@echo "make lint       format check, lint, types, who imports whom, known vulnerabilities"
	@echo "make format     format and fix what can be fixed"
	@echo "make bench      measure beside the peers and the floors (ARGS=--quick for a first impression)"
	@echo "make notebooks  execute the notebooks and keep their outputs"
	@echo "make lock       settle the versions of the development tools anew"
	@echo "make clean      remove the environments and what was built"

setup: $(VENV)/.ready

$(VENV)/.ready: requirements/dev.txt pyproject.toml
	@echo "Setting up $(VENV), which takes a minute or two"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip $(INSTALL) -r requirements/dev.txt
	@$(BIN)/python -m pip $(INSTALL) --no-deps -e .
	@touch $@

demo: setup
	@$(BIN)/python examples/demo.py

test: setup
	$(BIN)/python -m pytest -n $(JOBS)

coverage: setup
	$(BIN)/python -m pytest -n $(JOBS) --cov=gumloop_core --cov=langchain_gumloop --cov=llama_index_gumloop \
		--cov=gumloop_batch \
		--cov-branch --cov-report=term-missing:skip-covered

# Other examples in every run; HYPOTHESIS_PROFILE=brief for a tenth of them. What fails is kept in .hypothesis.
fuzz: setup
	HYPOTHESIS_PROFILE=$${HYPOTHESIS_PROFILE:-fuzz} $(BIN)/python -m pytest tests/fuzz -n $(JOBS) --timeout 14400 $(ARGS)

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/python scripts/audit.py requirements/dev.txt

# The peers and the versions that are measured have an environment of their own.
$(VENV)-bench/.ready: requirements/bench.txt pyproject.toml
	@echo "Setting up $(VENV)-bench, which takes a minute or two"
	@$(PYTHON) -m venv $(VENV)-bench
	@$(VENV)-bench/bin/python -m pip $(INSTALL) -r requirements/bench.txt
	@$(VENV)-bench/bin/python -m pip $(INSTALL) --no-deps -e .
	@touch $@

# `make bench ARGS=--quick` for a first impression.
bench: $(VENV)-bench/.ready
	$(VENV)-bench/bin/python -m benchmarks $(ARGS)
	$(VENV)-bench/bin/python -m benchmarks.picture

notebooks: setup
	$(BIN)/python -m tests.notebooks.running

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .venv .venv-* build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

UV_COMPILE = $(VENV)-lock/bin/uv pip compile --quiet pyproject.toml --all-extras --no-emit-package gumloop-llms \
	--generate-hashes --no-strip-extras --no-annotate --no-header --no-emit-index-url --no-emit-find-links

lock:
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet uv
	$(UV_COMPILE) --group dev --universal --python-version 3.11 -o requirements/dev.txt
	$(UV_COMPILE) --group bench --universal --python-version 3.11 -o requirements/bench.txt
	$(UV_COMPILE) --group dev requirements/floors.in --python-version 3.11 -o requirements/floors.txt
