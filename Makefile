# Everything here sets up what it needs: a virtual environment in .venv with the versions of
# constraints.txt. Works with GNU make from 3.81 on; without make see the README.

# The first Python that fits; name another with PYTHON=...
FITS   := import sys; sys.exit(not ((3, 11) <= sys.version_info[:2] <= (3, 13)))
PYTHON ?= $(or $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
             $$p -c "$(FITS)" >/dev/null 2>&1 && { echo $$p; break; }; done),python3)
VENV    = .venv
DATA    = phantoms
PORT    = 8000
TESTS   =
# On Linux, TORCH=cpu takes torch without CUDA, which is a sixth of the download.
TORCH  ?=

ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
STAMP := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup site serve release check quick test bench doctor format clean

help:  ## list the targets
	@echo "make TARGET, where TARGET is one of"
	@sed -n 's/^\([a-z][a-z]*\): .*## \(.*\)/  \1 \2/p' Makefile | \
	  while read -r name text; do printf '  %-8s %s\n' "$$name" "$$text"; done
	@echo "Settings: DATA=phantoms|octmnist-64|PATH (site, serve), PORT=8000 (serve), PYTHON=python3.12 and TORCH=cpu (setup), TESTS=PATH (test)"

setup: $(STAMP)  ## make .venv and install everything, pinned

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c "$(FITS)" 2>/dev/null || { \
	  echo "The course needs Python 3.11, 3.12 or 3.13, and '$(PYTHON)' is not one of them. Install one and name it: make PYTHON=python3.12 setup"; \
	  exit 1; }
	@$(PYTHON) -c "import ensurepip, venv" 2>/dev/null || { \
	  echo "This Python cannot make virtual environments. On Debian and Ubuntu: sudo apt-get install python3-venv"; \
	  exit 1; }
	$(PYTHON) -m venv $(VENV)
ifeq ($(TORCH),cpu)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv && \
	  $(BIN)/uv pip install --quiet --python $(BIN)/python --torch-backend cpu -c constraints.txt torch torchvision || \
	  echo "torch without CUDA could not be had; the usual one follows"
endif
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[book,deep,grade,cluster,oct,test,check]"
	@$(BIN)/python -c "open('$(STAMP)', 'w').close()"

site: $(STAMP)  ## build the course into _build/html
	@$(BIN)/octlessons build --data "$(DATA)"

serve: $(STAMP)  ## show the course at http://127.0.0.1:8000/
	@$(BIN)/octlessons serve --data "$(DATA)" --port $(PORT)

release: $(STAMP)  ## make everything that is handed out, into dist: site, book, slides, notebooks, package
	@$(BIN)/python -m octlessons.site.release dist

check: $(STAMP)  ## look over the sources: layout, lint, types, spelling, prose, examples in docstrings
	@$(BIN)/ruff format --check --quiet . || { echo "make format lays it out"; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/codespell
	@$(BIN)/python -m tests.authoring.prose
	@$(BIN)/python -m pytest --quiet --doctest-modules -n auto --maxprocesses 4 octlessons

format: $(STAMP)  ## lay out the sources, and mend what can be mended without thinking
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format --quiet .

quick: $(STAMP)  ## run the fast tests
	@$(BIN)/python -m pytest --quiet -m "not slow" -n auto --maxprocesses 4 --dist loadfile \
	  --ignore tests/book tests

test: $(STAMP)  ## run all tests (they build the site if it is missing or old)
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(TESTS)

bench: $(STAMP)  ## measure and print: speed, memory, agreement, realism
	@$(BIN)/python -m tests.benchmarks

doctor: $(STAMP)  ## check this installation
	@$(BIN)/octlessons doctor

clean:  ## remove the built pages and their cache
	rm -rf _build
