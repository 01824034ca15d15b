# make help lists what can be made; `make setup` is needed by all and runs by itself.
PYTHON ?= python3
VENV ?= .venv
# Installed before anything else can ask for torch. For a machine without a GPU, pytorch.org has a build that saves
# gigabytes: make setup TORCH="torch --index-url https://download.pytorch.org/whl/cpu"
TORCH ?= torch==2.13.0

BIN := $(VENV)/bin
READY := $(VENV)/.ready
export PIP_DISABLE_PIP_VERSION_CHECK := 1
SUPPORTED := import sys; v = sys.version_info[:2]; (3, 10) <= v <= (3, 13) or \
    sys.exit("Python: expected 3.10 to 3.13, got %d.%d; name another: make setup PYTHON=python3.12" % v)

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-layer bench screenshots clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 13
	@echo
	@echo 'Variables: PYTHON (an interpreter, 3.10 to 3.13), VENV (where to install),'
	@echo 'TORCH (what pip installs as torch). Without a GPU this saves gigabytes:'
	@echo '  make setup TORCH="torch --index-url https://download.pytorch.org/whl/cpu"'

setup: $(READY) ## install everything into .venv (at once when it is there)

$(READY): pyproject.toml
	@$(PYTHON) -c '$(SUPPORTED)'
	@echo 'Installing into $(VENV); this takes some minutes the first time.'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet $(TORCH)
	@$(BIN)/python -m pip install --quiet --editable '.[train,test]'
	@touch $@

demo: setup ## reconstruct the shipped vertebra, compare it with its CT, write a picture
	@$(BIN)/revert demo

test: setup ## lint, then the whole test suite
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/python -m pytest

test-layer: setup ## the module's tests on Slicer's own Python layer: make test-layer LAYER=.../Slicer/Base/Python
	@test -d "$(LAYER)/slicer" || { echo 'LAYER: expected the folder Base/Python of a checkout of Slicer, got "$(LAYER)"'; exit 2; }
	@SLICER_PYTHON_LAYER="$(abspath $(LAYER))" $(BIN)/python -m pytest Testing/slicer

bench: setup ## time image to mesh beside the original's network, and our projector beside others, on this machine
	@$(BIN)/python Testing/benchmarks/bench.py
	@$(BIN)/python Testing/benchmarks/bench_drr.py

screenshots: setup ## render the pictures of the module on Slicer's own displayable managers
	@$(BIN)/python Testing/studies/screenshots.py

clean: ## remove the installation and every cache, nothing else
	rm -rf $(VENV) .pytest_cache .ruff_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
