# Second Opinion: everything a visitor or a reviewer runs. `make` alone lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev

.DEFAULT_GOAL := help
.PHONY: help demo play viewer test check wheel interop hapi chaos fuzz guards bench screens texts lock clean

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(RUNTIME) viewer ## the whole house on this machine; Ctrl-C stops it, started again it goes on
	@$(BIN)/second-opinion demo $(DEMO)

viewer: $(RUNTIME) ## pack the image viewer once (about 50 MB, kept in .viewer/)
	@$(BIN)/second-opinion viewer install

VALIDATORS := tests/validators/node_modules/.installed
PEERS := tests/peers/node_modules/.installed

test: $(DEV) viewer $(VALIDATORS) ## every test that needs no outside server but PostgreSQL and a browser
	@$(BIN)/python tests/needs.py
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not interop" $(TESTS)

check: $(DEV) ## lint, format, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy fhir imaging launch smart_app
	$(BIN)/lint-imports

wheel: $(DEV) ## build the wheel, install it alone in a new environment, and use it there
	$(BIN)/python tests/wheel/prove.py

screens: $(DEV) viewer ## take the screenshots of the README's tour
	$(BIN)/python tests/browser/screens.py

texts: $(DEV) ## collect the sentences of the screens into the catalogues and compile them
	$(BIN)/pybabel -q extract -F smart_app/web/babel.cfg --no-location --sort-output -o smart_app/web/translations/messages.pot smart_app/web
	$(BIN)/pybabel -q update --no-fuzzy-matching --no-location -i smart_app/web/translations/messages.pot -d smart_app/web/translations
	$(BIN)/pybabel -q compile -d smart_app/web/translations

HAPI := tests/interop/hapi/target/classpath

hapi: $(HAPI) ## build the real FHIR server and validators of the interop tests (needs Maven and a JDK of 17 or newer)

$(HAPI): tests/interop/hapi/pom.xml $(shell find tests/interop/hapi/src -type f 2>/dev/null)
	@if command -v mvn >/dev/null && command -v javac >/dev/null; then \
	  echo "Building HAPI FHIR from Maven Central (the first time some 300 MB)"; \
	  mvn -B -q -f tests/interop/hapi/pom.xml package && touch $@; \
	else echo "Not here: Maven and a JDK (on Debian: apt-get install maven default-jdk-headless). HAPI's tests are skipped."; fi

interop: $(DEV) $(VALIDATORS) $(PEERS) $(HAPI) ## the tests that need a real outside part, alone
	@$(BIN)/python -m pytest tests/interop tests/journeys/test_postgres.py -m "interop or needs"

fuzz: $(DEV) ## two hundred thousand broken inputs to everything that reads files; SEED= makes others, SHARE=0.1 fewer
	@$(BIN)/python -m tests.fuzz.run --share $(or $(SHARE),1) $(if $(SEED),--seed $(SEED))

chaos: $(DEV) ## kill the worker in the middle of every trouble at the chart; RUNS=0 for every cell (an hour)
	@$(BIN)/python -m tests.chaos.run --runs $(or $(RUNS),360) $(if $(SEED),--seed $(SEED))

guards: $(DEV) ## take out each safety guard in turn and see its test fail
	@$(BIN)/python -m tests.guards.run $(ONLY)

bench: $(DEV) ## speed and memory beside the peers, each in its own pinned environment (BENCH="--quick" or names of rows)
	@$(BIN)/python -m benchmarks $(BENCH)

lock: $(DEV) ## pin what the installs above use (names, versions and hashes only)
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --extra dev pyproject.toml -o requirements-dev.txt

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Second Opinion needs Python 3.11 or newer; $(PYTHON) is older or absent. Try: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "Python cannot make virtual environments here. On Debian: apt-get install python3-venv" >&2; exit 1; }

$(RUNTIME): requirements.txt pyproject.toml | $(BIN)/python
	@echo "Installing what Second Opinion needs into $(VENV) (once)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@

$(DEV): requirements-dev.txt pyproject.toml | $(BIN)/python
	@echo "Installing what the tests need into $(VENV) (once)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -e .
	@touch $(RUNTIME) $@

$(PEERS): tests/peers/package-lock.json | $(DEV)
	@PATH="$(abspath $(BIN)):$$PATH" npm ci --prefix tests/peers --silent --no-audit --no-fund --ignore-scripts
	@touch $@

$(VALIDATORS): tests/validators/package-lock.json | $(DEV)
	@PATH="$(abspath $(BIN)):$$PATH" npm ci --prefix tests/validators --silent --no-audit --no-fund
	@touch $@

clean: ## forget the demo's people and files
	rm -rf .demo
