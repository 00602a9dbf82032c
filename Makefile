# Three commands: make serve, make test, make setup. README.md shows each without make as well.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: serve test test-faults long setup setup-test benchmark lock lint help

serve: setup  ## start the site on http://127.0.0.1:7860 with a demo worker
	$(BIN)/python manage.py serve --host 127.0.0.1 --demo

setup: .venv/installed  ## install what the site needs

test: setup-test  ## install what the tests need, and run them all
	$(BIN)/python -m tests.run

test-faults: setup-test  ## break everything around the site, and see its promises kept
	$(BIN)/python -m tests.run faults

long: setup-test  ## the same faults in their long variants
	$(BIN)/python -m tests.run long

setup-test: .venv/installed-test

lint: setup-test  ## style, types, migrations, deployment checks
	$(BIN)/python -m tests.run lint

benchmark: setup  ## measure streaming beside Gradio and a bare relay; takes ten minutes
	$(BIN)/python -m benchmarks.streams --bytes

lock:  ## resolve the locked requirements again, from pyproject.toml
	$(PYTHON) deploy/lock.py

help:
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

.venv/installed: requirements.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.venv/installed-test: requirements-test.txt .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-test.txt
	@touch $@
