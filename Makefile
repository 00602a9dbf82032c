# Three commands: make serve, make test, make setup. README.md shows each without make as well.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: serve test test-faults test-backends long soak setup setup-test benchmark lock lint audit sbom messages help

serve: setup  ## start the site on http://127.0.0.1:7860 with a demo worker
	$(BIN)/python manage.py serve --host 127.0.0.1 --demo

setup: .venv/installed  ## install what the site needs

test: setup-test  ## install what the tests need, and run them all
	$(BIN)/python -m tests.run

test-faults: setup-test  ## break everything around the site, and see its promises kept
	$(BIN)/python -m tests.run faults

long: setup-test  ## the same faults in their long variants, and 50,000 hostile files
	$(BIN)/python -m tests.run long

soak: setup-test  ## visitors for an hour (MMCHAT_SOAK_SECONDS) while one thing after another breaks
	$(BIN)/python -m tests.run soak

test-backends: setup-test  ## ask real servers and our worker with tiny models; installs 1.5 GB of their own
	$(BIN)/python -m tests.run backends

setup-test: .venv/installed-test

lint: setup-test  ## style, types, migrations, deployment checks
	$(BIN)/python -m tests.run lint

audit: setup-test  ## look for known vulnerabilities in what is locked; needs the network
	$(BIN)/python -m tests.run audit

sbom: setup-test  ## write sbom.json, a software bill of materials
	$(BIN)/python deploy/sbom.py > sbom.json

messages: setup-test  ## collect what the site says, for translators, and compile what they wrote
	$(BIN)/python deploy/messages.py

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

# Without what pip would add to the list: it holds all that is needed, with one build of OpenCV for two that want different ones.
.venv/installed-test: requirements-test.txt .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-test.txt
	@touch $@
