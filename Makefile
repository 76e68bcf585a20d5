# Everything by name: `make help`. Needs Python >= 3.11 with venv; everything else comes from PyPI and npm.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

find_python = for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2> /dev/null && command -v $$p && break; done
PYTHON ?= $(shell $(find_python))
PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check install --quiet --no-input
PLINTH := .venv/bin/plinth

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-16s %s\n", $$1, $$2 }'

# ---- set up ------------------------------------------------------------------------------------------------------

.PHONY: setup
setup: .venv/run.stamp node_modules/npm.stamp var/weights/fetched.stamp ## Set up what `plinth make` needs (.venv, node_modules, var/weights)
	@echo "Ready: $(PLINTH) make PHOTO --out DIR"

.PHONY: setup-dev
setup-dev: .venv/dev.stamp node_modules/npm.stamp var/weights/fetched.stamp ## Set up what the tests and checks need too

.venv/bin/python:
	@[ -n "$(PYTHON)" ] || { echo "Plinth needs Python 3.11 or newer with its venv module (Debian: apt-get install python3-venv)." >&2; exit 1; }
	@echo "Setting up .venv with $(PYTHON)"
	@$(PYTHON) -m venv .venv

.venv/run.stamp: requirements.lock pyproject.toml | .venv/bin/python
	@echo "Installing the locked packages (about a minute)"
	@$(PIP) --require-hashes --only-binary=:all: -r requirements.lock
	@$(call install_project)
	@touch $@

.venv/dev.stamp: requirements-dev.lock pyproject.toml | .venv/bin/python
	@echo "Installing the locked packages and those of the tests (about a minute)"
	@$(PIP) --require-hashes --only-binary=:all: -r requirements-dev.lock
	@$(call install_project)
	@touch .venv/run.stamp $@

define install_project
$(PIP) --no-deps --no-build-isolation --editable .; \
echo "Compiling what numba compiles on first use, ours and rembg's (about a minute)"; \
$(PY) -c 'import rembg; from assets_pipeline.texture.warm import warm; warm()'
endef

node_modules/npm.stamp: package.json package-lock.json infra/npm.sh | .venv/bin/python
	@echo "Installing the viewer, the packer and the validator from npm"
	@infra/npm.sh ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

var/weights/fetched.stamp: assets_pipeline/weights.py | .venv/bin/python
	@[ -e .venv/run.stamp ] || $(MAKE) --no-print-directory .venv/run.stamp
	@echo "Fetching the weights of the default segmenters (180 MB, checked by sha256)"
	@$(PLINTH) weights fetch u2net
	@$(PLINTH) weights fetch u2netp
	@touch $@

.PHONY: lock
lock: .venv/dev.stamp ## Resolve the locked versions again after a change in pyproject.toml (UPGRADE=1: newest)
	@infra/lock.sh $(if $(UPGRADE),--upgrade)

# ---- use ---------------------------------------------------------------------------------------------------------

.PHONY: demo
demo: setup ## Start everything on this machine with a sample shop, and say what to open; Ctrl-C stops it
	@exec $(PY) manage.py up --demo

.PHONY: demo-files
demo-files: setup ## Turn the sample photos into assets under demo/, without the service
	@$(PY) -m samples.demo demo

.PHONY: samples
samples: .venv/run.stamp ## Draw the sample photos again
	@$(PY) -m samples.make_samples

.PHONY: readme-picture
readme-picture: setup ## Draw docs/photo-to-model.webp with our own renderer
	@$(PY) -m samples.readme_picture docs/photo-to-model.webp

# ---- check -------------------------------------------------------------------------------------------------------

.PHONY: test
test: setup-dev chromium ## Run the tests, except the slow ones
	@$(PY) -m pytest -m "not slow"

.PHONY: test-slow
test-slow: setup-dev chromium brokers ## Run the slow tests only
	@$(PY) -m pytest -m slow

.PHONY: test-all
test-all: setup-dev chromium brokers ## Run every test
	@$(PY) -m pytest

.PHONY: chromium
chromium: # only the browser tests need it
	@infra/chromium.sh

.PHONY: brokers
brokers: # the slow tests of the brokers need them
	@infra/brokers.sh

.PHONY: lint
lint: .venv/dev.stamp ## ruff, mypy and the import contracts
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@.venv/bin/lint-imports --no-cache

.PHONY: format
format: .venv/dev.stamp ## Let ruff format and mend what it can
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

.PHONY: licences
licences: .venv/dev.stamp node_modules/npm.stamp ## Check every package's and every weight's licence against the allowlist
	@$(PY) -m infra.checks.licences

.PHONY: bench
bench: setup-dev ## Measure the pipeline; writes docs/benchmarks.md
	@$(PY) -m tests.benchmarks

.PHONY: bench-service
bench-service: setup-dev ## Measure the running service (needs wrk); adds to docs/benchmarks.md
	@infra/wrk.sh
	@$(PY) -m tests.benchmarks --only service

.PHONY: clean
clean: ## Remove what the demo and the tests made; keeps .venv, node_modules and weights
	@rm -rf demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
