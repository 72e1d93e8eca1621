# Everything that people and CI run. Needs Python 3.11 or newer, git and make, nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
COVERAGE := 95
PYTEST = $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo check test format-check lint types contracts tests wheel bench golden messages readme format clean

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile

demo: $(VENV)/package ## Watch a catalogue being archived, compared and queried
	$(BIN)/archiver demo

check: format-check lint types contracts ## Run the quick checks, and the tests of the rooms that a change touches
	tests="$$($(BIN)/python tests/rooms.py)" && { [ -z "$$tests" ] || $(PYTEST) $$tests; }

test: format-check lint types contracts tests wheel ## Run every check, as CI does

format-check: $(VENV)/dev
	$(BIN)/ruff format --check

lint: $(VENV)/dev
	$(BIN)/ruff check

types: $(VENV)/dev
	$(BIN)/mypy

contracts: $(VENV)/dev
	$(BIN)/lint-imports

tests: $(VENV)/dev $(VENV)/peers
	$(PYTEST) --dist worksteal --cov --cov-report=term:skip-covered --cov-fail-under=$(COVERAGE)

wheel: $(VENV)/dev
	$(BIN)/python tests/smoke_wheel.py

bench: $(VENV)/dev ## Measure the ratios that the project promises (ONLY=row, FULL=1)
	PYTHONPATH=tests $(BIN)/python -m bench $(if $(FULL),--full) $(if $(ONLY),--only $(ONLY))

golden: $(VENV)/dev ## Renew the expected outputs in tests/golden
	$(BIN)/python -m pytest tests/render tests/test_languages.py --renew

messages: $(VENV)/dev ## Bring the translations up to date with the code, and compile them
	$(BIN)/python tests/translations.py

readme: $(VENV)/dev ## Renew the outputs and the pictures that the README shows
	$(BIN)/python -m pytest tests/test_readme.py --renew
	$(BIN)/python tests/picture.py
	PYTHONPATH=tests $(BIN)/python tests/site_pictures.py

format: $(VENV)/dev ## Format the code and mend what ruff can
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

clean: ## Remove what these targets made
	rm -rf $(VENV) .coverage .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

# One environment in two steps, rebuilt whenever pyproject.toml changes.
$(VENV)/package: pyproject.toml
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("archiver needs Python 3.11 or newer")'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

# The hubs' own clients. The older one cannot live beside the new one: it lies in a folder of its
# own. Without them their tests are skipped, with the reason.
$(VENV)/peers: $(VENV)/dev
	$(BIN)/python -m pip install --quiet --editable '.[peers]' && \
	$(BIN)/python -m pip install --quiet --no-deps --target $(VENV)/peers-old modelscope==1.34.0 || \
	echo 'the official clients cannot be installed here: tests/peers will be skipped'
	touch $@

# Only pip 25.1 and later reads dependency groups.
$(VENV)/dev: $(VENV)/package
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --group dev
	touch $@
