# Everything lives in .venv; each step leaves a stamp there, so that a second run is quick.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo test check build install browser wheel pytest screenshots types soak clean
.PHONY: gallery gallery-accept

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
PINNED := $(PIP) install --quiet -c constraints.txt
SPEC := pyproject.toml constraints.txt
MODULES := node_modules/.package-lock.json
NPM_CI := npm ci --ignore-scripts --no-audit --no-fund
export PATH := $(CURDIR)/$(BIN):$(PATH)

help:
	@echo "make demo         open the board on the bundled model"
	@echo "make test         set everything up, run every check and every test"
	@echo "make check        style, types, imports, the front end's own checks"
	@echo "make build        build the front end where its sources have changed"
	@echo "make types        write the front end's message types from the Python ones"
	@echo "make soak         10,000 random stacks of interventions against full runs; campaigns killed"
	@echo "make gallery      write a page for each view on recorded data, to look at"
	@echo "make gallery-accept  take the views as they look now for what the tests compare with"
	@echo "make screenshots  make the pictures of the documentation anew"
	@echo "make clean        remove what was built and installed here"

demo: $(VENV)/.run build
	$(BIN)/circuitboard open names

test:
	@for stage in install browser build check pytest wheel; do \
	  began=$$(date +%s); \
	  $(MAKE) --no-print-directory $$stage || exit 1; \
	  echo "== $$stage: $$(($$(date +%s) - began)) s"; \
	done

install: $(VENV)/.dev

check: $(VENV)/.dev web/$(MODULES) web/types/$(MODULES)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/python -m circuitboard.wire.typescript --check
	cd web && npm run --silent check && npx --no-install tsc -p src/lab && npm test --silent

build: $(VENV)/.run
	@$(BIN)/python hatch_build.py

# Types and shapes are checked where tensors are made; a file's tests stay in one process.
SHAPES := --jaxtyping-packages=circuitboard.engine,circuitboard.methods,circuitboard.models.executor,typecheck.checked
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not soak" -n auto --maxprocesses 4 --dist loadfile

pytest: $(VENV)/.dev build
	$(PYTEST) $(SHAPES) tests/engine tests/methods tests/models tests/test_typecheck.py
	$(PYTEST) tests/spec tests/recipes tests/circuits tests/session tests/wire tests/lab \
	  tests/test_[!t]*.py tests/test_tutorials.py
# Two boards at once on two cores keep each other waiting: what failed so is tried again alone.
	$(PYTEST) tests/browser || $(BIN)/python -m pytest -m "not soak" --last-failed tests/browser

types: $(VENV)/.dev
	$(BIN)/python -m circuitboard.wire.typescript

soak: $(VENV)/.dev
	CIRCUITBOARD_STACKS=10000 $(BIN)/python -m pytest tests/engine/test_oracle.py -k incremental
	$(BIN)/python -m pytest -m soak tests/circuits/test_campaign.py

wheel: $(VENV)/.dev
	$(BIN)/python .ci/check_wheel.py

screenshots: $(VENV)/.dev build browser
	$(BIN)/python docs/screenshots.py

gallery: $(VENV)/.dev build
	$(BIN)/python tests/browser/gallery.py

gallery-accept: $(VENV)/.dev build browser
	CIRCUITBOARD_ACCEPT=1 $(BIN)/python -m pytest tests/browser/test_gallery.py

browser:
	@for name in chromium chromium-browser google-chrome google-chrome-stable; do \
	  command -v $$name >/dev/null && exit 0; \
	done; \
	if ! command -v apt-get >/dev/null; then \
	  echo "The browser tests need Chromium or Chrome: please install one." >&2; exit 1; \
	elif [ "$$(id -u)" = 0 ]; then run=""; \
	elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then run=sudo; \
	else echo "The browser tests need Chromium: sudo apt-get install chromium" >&2; exit 1; fi; \
	$$run apt-get update -qq && \
	DEBIAN_FRONTEND=noninteractive $$run apt-get install -y -qq --no-install-recommends \
	  chromium fonts-dejavu-core >/dev/null

clean:
	rm -rf $(VENV) web/node_modules web/types/node_modules dist test-results
	rm -rf src/circuitboard/static src/circuitboard/labextension
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Circuitboard needs Python 3.11 or newer; this is $$($(PYTHON) --version)." >&2; \
	    echo "Name another one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "Python cannot make environments here (on Debian: apt-get install python3-venv)." >&2; \
	    rm -rf $(VENV); exit 1; }
	@touch $@

# On its own and first: asked for together with the rest, it may come as the build for GPUs.
$(VENV)/.torch: constraints.txt | $(VENV)/.python
	$(PIP) install --quiet "$$(grep '^torch==' constraints.txt)"
	@touch $@

$(VENV)/.run: $(SPEC) hatch_build.py $(VENV)/.torch
	$(PINNED) hatchling -e .
	@touch $@

$(VENV)/.dev: $(SPEC) hatch_build.py $(VENV)/.torch
	$(PINNED) hatchling -e '.[dev]'
	@touch $(VENV)/.run $@

web/$(MODULES): web/package.json web/package-lock.json | $(VENV)/.dev
	cd web && $(NPM_CI) --silent
	@touch $@

web/types/$(MODULES): web/types/package.json web/types/package-lock.json | $(VENV)/.dev
	cd web/types && $(NPM_CI) --silent
	@touch $@
