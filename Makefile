# Everything here works on a fresh machine with python3 (3.11-3.13) and make; uv is used when it is there.
# make PYTHON=python3.12 … chooses another Python for the set-up.

PYTHON ?= python3
OUT ?= demo-out
PYTEST_ARGS ?=
# Test processes: as many as there are cores, at most JOBS.
JOBS ?= 4

ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
else
BIN := .venv/bin
endif

# All set-ups write to the one .venv.
.NOTPARALLEL:

.DEFAULT_GOAL := help
.PHONY: help setup dev demo planted test lint format docs tasks check build fresh clean distclean

help: ## show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 12

setup: ## set up .venv with the base install (no torch)
	@$(PYTHON) tools/bootstrap.py

dev: ## set up .venv with what tests, linters and builds need
	@$(PYTHON) tools/bootstrap.py --extras dev,hf

demo: ## evaluate the two transformers in rote/organisms, print a table and the path of the report (in demo-out)
	@$(PYTHON) tools/bootstrap.py --extras hf
	@$(BIN)/rote demo --out $(OUT) --force

planted: setup ## the same with four planted models, which need no torch
	@$(BIN)/rote demo --planted --out $(OUT) --force

test: dev ## run the whole test suite (PYTEST_ARGS="-m 'not slow'" for the quick part)
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -ra -n logical --maxprocesses $(JOBS) \
		--dist loadscope --no-loadscope-reorder $(PYTEST_ARGS)

lint: dev ## ruff (lint and format) and mypy --strict
	@failed=0; \
	$(BIN)/ruff check . || failed=1; \
	$(BIN)/ruff format --check . || failed=1; \
	$(BIN)/mypy || failed=1; \
	exit $$failed

format: dev ## let ruff rewrite what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: dev ## write docs/cli.md and docs/recipes.md anew from the commands and the schema of recipes
	@$(BIN)/python tools/gen_cli_docs.py
	@$(BIN)/python tools/gen_recipe_docs.py

tasks: dev ## write the task files in rote/tasks anew from their description
	@$(BIN)/python tools/gen_tasks.py

check: setup ## lint the bank of templates (rote check)
	@$(BIN)/rote check

build: dev ## build the sdist and the wheel into dist
	@rm -rf dist
	@$(BIN)/python -m build --no-isolation --outdir dist .

fresh: build ## install the built wheel into a fresh environment with no extras, and try it there
	@$(BIN)/python tools/fresh_install.py dist/*.whl

clean: ## remove what builds, tests and demos left
	@rm -rf dist build demo-out .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find rote tests tools benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## clean, and remove .venv too
	@rm -rf .venv
