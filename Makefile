# Everything starts here. Each target does its own set-up, and does it once.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
CLIENT := tests/interop/node_modules/webex/umd/calling.min.js
ARGS ?=

.PHONY: help up demo test check lint format types contracts pytest bench clean system-packages

help: ## Show this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

up: .make/app ## Start the whole cloud on this machine (ARGS="--http 127.0.0.1:9000" passes options on)
	@exec $(BIN)/offhook up $(ARGS)

demo: .make/app ## Let two people talk and show the call as a ladder
	@exec $(BIN)/offhook demo $(ARGS)

test: check pytest ## Lint, types, import contracts, then every test with coverage

check: lint types contracts

lint: .make/tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: .make/tools ## Sort imports, apply safe fixes, format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: .make/tools
	$(BIN)/mypy

contracts: .make/tools
	$(BIN)/lint-imports

pytest: .make/tools system-packages $(CLIENT)
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile --cov --cov-report=term:skip-covered $(ARGS)

bench: .make/bench ## Measure call set-up, relay, call rate and memory
	$(BIN)/python -m benchmarks $(ARGS)

clean: ## Remove everything that these targets made, the local cloud's data excepted
	rm -rf .venv .make tests/interop/node_modules dist build htmlcov .coverage .coverage.*
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# -- set-up, each step once -------------------------------------------------------------------

.make/venv:
	@scripts/make-venv .venv
	@$(PIP) install --upgrade 'pip>=25.1'
	@mkdir -p .make && touch $@

.make/app: pyproject.toml .make/venv
	@echo "Installing Offhook and what it needs into .venv"
	@$(PIP) install --editable '.[all]'
	@touch $@

.make/tools: pyproject.toml .make/app
	@echo "Installing the test tools into .venv"
	@$(PIP) install --group lint --group test
	@touch $@

.make/bench: pyproject.toml .make/app
	@$(PIP) install --group bench
	@touch $@

system-packages:
	@scripts/system-packages

# Not having it is said loudly, and then by the tests that need it; the others still run.
$(CLIENT): scripts/official-client
	@scripts/official-client || true
