# `make` alone prints what there is. Everything runs in a virtual environment in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
BENCH := $(VENV)/.bench
BENCH_OPTIONS ?=
SEED ?= 0
CONTROL ?=
DEMO := runs/demo$(if $(filter-out 0,$(SEED)),-seed$(SEED))
DEMO_CONFIGS := configs/experiments/demo
ARMS := sft grpo sft_continued
# The matrices of the tiny model are too small to share: one thread is steady, two wait for each other.
export OMP_NUM_THREADS ?= 1
CHECKPOINT := --model.init_args.policy.init_args.checkpoint

.DEFAULT_GOAL := help
.PHONY: help install demo test test-all check bench format clean

help: ## Print this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(READY): setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $(READY)

install: $(READY) ## Set up .venv with emolit and all that checks and tests need

demo: $(READY) ## Warm start, GRPO, test on two corpora, anew (SEED=1: another seed; CONTROL=1: SFT continued too)
ifeq ($(CONTROL),)
	$(BIN)/emolit fit --overwrite true --config $(DEMO_CONFIGS)/sft.yaml --seed_everything $(SEED) --trainer.default_root_dir $(DEMO)/sft
	$(BIN)/emolit fit --overwrite true --config $(DEMO_CONFIGS)/grpo.yaml --seed_everything $(SEED) --trainer.default_root_dir $(DEMO)/grpo $(CHECKPOINT) $(DEMO)/sft/best
	$(BIN)/emolit test --overwrite true --config $(DEMO_CONFIGS)/test.yaml --seed_everything $(SEED) --trainer.default_root_dir $(DEMO)/sft $(CHECKPOINT) $(DEMO)/sft/best
	$(BIN)/emolit test --overwrite true --config $(DEMO_CONFIGS)/test.yaml --seed_everything $(SEED) --trainer.default_root_dir $(DEMO)/grpo $(CHECKPOINT) $(DEMO)/grpo/best
	$(BIN)/python tools/table.py $(DEMO) --seed $(SEED)
else
	$(BIN)/python tools/sweep.py configs/sweeps/demo.yaml --only $(ARMS) --seeds $(SEED) --root $(DEMO)
	$(BIN)/python tools/table.py $(DEMO) --seed $(SEED) --runs $(ARMS) --stage seed$(SEED)/test
endif

test: $(READY) ## Run the fast tests (15 minutes at most on 2 cores)
	$(BIN)/python -m pytest

test-all: $(READY) ## Run all tests, the slow ones too
	$(BIN)/python -m pytest -m 'not gpu'

check: $(READY) ## Lint, types, import layers, spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

$(BENCH): $(READY)
	$(BIN)/python -m pip install --quiet --editable '.[bench]'
	touch $(BENCH)

bench: $(BENCH) ## Time training steps of emolit and TRL side by side (BENCH_OPTIONS="--growth": tables)
	$(BIN)/python tools/bench.py $(BENCH_OPTIONS)

format: $(READY) ## Format and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove caches; runs and the environment stay
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
