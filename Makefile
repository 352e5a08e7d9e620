# SPDX-License-Identifier: AGPL-3.0-or-later
# `make help` lists what there is. Everything stays in this folder, but for Debian packages (`make system`).

DEMO_PACKAGES = prosody
SYSTEM_PACKAGES = $(DEMO_PACKAGES) ejabberd prosody-modules profanity tmux go-sendxmpp lua-dbi-sqlite3

# The first of these that is Python 3.11 or later; `make PYTHON=/path/to/python` chooses another.
NEW_ENOUGH = import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for name in python3.11 python3; do \
	"$$name" -c "$(NEW_ENOUGH)" >/dev/null 2>&1 && echo "$$name" && break; done)

VENV = .venv
BIN = $(VENV)/bin
PIP_INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check
ARGS ?=

.DELETE_ON_ERROR:
.PHONY: help venv bytecode system system-demo lint format test pytest demo demo-check bench fuzz lock generated messages clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

venv: $(VENV)/.installed ## make .venv with the locked dependencies and this project

$(VENV)/.installed: requirements.lock pyproject.toml
	@if [ -z "$(PYTHON)" ]; then \
		echo "No Python 3.11 or later here. On Debian 12: sudo apt-get install python3 python3-venv" >&2; exit 1; fi
	@"$(PYTHON)" -c "$(NEW_ENOUGH)" || { echo "$(PYTHON) is not Python 3.11 or later" >&2; exit 1; }
	@"$(PYTHON)" -c "import ensurepip, venv" 2>/dev/null || devkit/system-packages.sh python3-venv
	"$(PYTHON)" -m venv --clear $(VENV)
	$(PIP_INSTALL) --require-hashes -r requirements.lock
	$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

# Starting is measured and felt: the byte code lies ready even where Python is told not to write any.
bytecode: venv
	@$(BIN)/python -m compileall -q src

system: ## install the Debian packages that the tests need (their services stay off)
	@devkit/system-packages.sh $(SYSTEM_PACKAGES)

system-demo:
	@devkit/system-packages.sh $(DEMO_PACKAGES)

lint: venv ## ruff, mypy and the floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: venv ## put the code into its form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: system bytecode lint pytest ## everything that must hold: lint and all tests, real servers included

pytest: venv ## the tests alone; ARGS="tests/x -k y" picks some
	$(BIN)/python -m pytest $(ARGS)

demo: system-demo bytecode ## a private server, the daemon and three profiles, until Ctrl-C
	@$(BIN)/python -m devkit.demo

demo-check: system-demo bytecode ## the same, checked, and it ends by itself
	@$(BIN)/python -m devkit.demo --check

bench: system bytecode ## one table of figures beside their floors
	@$(BIN)/python -m devkit.bench $(ARGS)

fuzz: bytecode ## hostile stanzas, bytes and frames against a running daemon; ARGS="--seed 7 --only stanzas"
	@$(BIN)/python -m devkit.fuzz $(ARGS)

generated: venv ## write the files that come from the contract
	@$(BIN)/python -m devkit.generate
	@$(BIN)/python -m devkit.doap

lock: ## pin every dependency anew, with hashes, for all platforms
	@"$(PYTHON)" -c "import ensurepip, venv" 2>/dev/null || devkit/system-packages.sh python3-venv
	"$(PYTHON)" -m venv --clear build/lock-venv
	build/lock-venv/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9'
	build/lock-venv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --extra dev \
		--generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header \
		--no-config --output-file build/requirements.lock pyproject.toml
	{ echo '# SPDX-License-Identifier: AGPL-3.0-or-later'; \
		echo '# Written by `make lock` from pyproject.toml; do not edit.'; \
		cat build/requirements.lock; } > requirements.lock

clean: ## remove what make made here
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .grimp_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

messages: venv ## collect the words for people into the catalogue's template
	@mkdir -p src/salut/locale
	@$(BIN)/pybabel -q extract --no-location --omit-header --sort-output -k _ -k N_ -k plural:1,2 \
		-o src/salut/locale/salut.pot src/salut
