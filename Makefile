# make help lists what can be made; `make setup` is needed by all and runs by itself.
PYTHON ?= python3
VENV ?= .venv
# Installed before anything else can ask for torch; when empty, the build for this machine.
TORCH ?=
# Without a GPU: 2.6 instead of 6.3 GB. Where pytorch.org cannot be reached, what pip finds under this name.
CPU_INDEX := https://download.pytorch.org/whl/cpu
ELSEWHERE := torch==2.13.0

BIN := $(VENV)/bin
READY := $(VENV)/.ready
OTHERS := $(VENV)/.others
CORES := $(shell getconf _NPROCESSORS_ONLN)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
REQUIRED := $(shell sed -n 's/^requires-python = "\([^"]*\)".*/\1/p' pyproject.toml)
SUPPORTED := import re, sys; low, high = map(int, re.findall("3[.]([0-9]+)", "$(REQUIRED)")); \
    (3, low) <= sys.version_info[:2] < (3, high) or sys.exit( \
    "Python: expected $(REQUIRED), got %d.%d; name another: make setup PYTHON=python3.12" % sys.version_info[:2])
# pip shows its progress to a person and is silent in a log.
PIP = test -t 1 && quiet= || quiet=--quiet; $(BIN)/python -m pip install $$quiet
HAS_GPU := test -e /dev/nvidia0 || nvidia-smi -L >/dev/null 2>&1 || test "$$(uname)" = Darwin
REACHED := from urllib.request import urlopen; urlopen("$(CPU_INDEX)/torch/", timeout=10)

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-layer bench screenshots clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 13
	@echo
	@echo 'Variables: PYTHON (an interpreter, $(REQUIRED)), VENV (where to install),'
	@echo 'TORCH (what pip installs as torch; by default the CPU build where there is no GPU), as in'
	@echo '  make setup TORCH="torch --index-url https://download.pytorch.org/whl/cu128"'

setup: $(READY) ## install everything into .venv (at once when it is there)

$(READY): pyproject.toml setup.py
	@$(PYTHON) -c '$(SUPPORTED)'
	@echo 'Installing into $(VENV); this takes some minutes the first time.'
	@$(PYTHON) -m venv $(VENV)
	@torch='$(TORCH)'; \
	if test -z "$$torch"; then \
	    if $(HAS_GPU); then torch=torch; \
	    elif $(BIN)/python -c '$(REACHED)' 2>/dev/null; then torch='torch --index-url $(CPU_INDEX)'; \
	    else torch='$(ELSEWHERE)'; fi; \
	fi; \
	echo "PyTorch: $$torch"; $(PIP) $$torch
	@$(PIP) --editable '.[train,test]'
	@touch $@

$(OTHERS): $(READY)
	@echo 'Installing what ours is timed beside, 2.7 GB, the first time.'
	@$(PIP) --editable '.[bench]' && touch $@ || echo 'Not installed: what is missing does not take part.'

demo: setup ## reconstruct the shipped vertebra and film, compare them with their CT, write pictures
	@$(BIN)/revert demo

test: setup ## lint, then the whole test suite
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/python -m pytest --numprocesses=$(CORES) --dist=loadfile --no-loadscope-reorder

test-layer: setup ## the module's tests on Slicer's own Python layer: make test-layer LAYER=.../Slicer/Base/Python
	@test -d "$(LAYER)/slicer" || { echo 'LAYER: expected the folder Base/Python of a checkout of Slicer, got "$(LAYER)"'; exit 2; }
	@SLICER_PYTHON_LAYER="$(abspath $(LAYER))" $(BIN)/python -m pytest Testing/slicer

bench: $(OTHERS) ## time ours beside others on this machine: network, DRRs, metrics, alignment, live; adds to history.jsonl
	@$(BIN)/python Testing/benchmarks/bench.py --record
	@$(BIN)/python Testing/benchmarks/bench_runtimes.py --record
	@$(BIN)/python Testing/benchmarks/bench_drr.py --record
	@$(BIN)/python Testing/benchmarks/bench_metrics.py --record
	@$(BIN)/python Testing/benchmarks/bench_icp.py --record
	@$(BIN)/python Testing/benchmarks/bench_busy.py --record
	@$(BIN)/python Testing/benchmarks/bench_follow.py --frames 200 --record
	@$(BIN)/python Testing/benchmarks/bench_follow.py --frames 60 --film --record

screenshots: setup ## render the pictures of the module on Slicer's own displayable managers
	@$(BIN)/python Testing/studies/screenshots.py

clean: ## remove the installation and every cache, nothing else
	rm -rf $(VENV) .pytest_cache .ruff_cache build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
