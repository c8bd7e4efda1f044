# Two commands for a newcomer: `make demo` and `make test`. Everything runs in .venv, made from the lock file.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Others' deduplication, for one benchmark: its versions conflict with ours.
PEERS := .venv-peers
# What analysts query with, for the tests of docs/analysts.md.
CLIENTS := .venv-clients
# Without a uv of the machine's own, one is installed into .venv.
UV := $(shell command -v uv || echo $(BIN)/uv)
DEMO_HOME ?= data

.DEFAULT_GOAL := help

help:  ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

$(VENV)/.installed: pyproject.toml uv.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@command -v uv >/dev/null || test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(UV) sync --frozen --active --inexact --quiet
	@touch $@

install: $(VENV)/.installed  ## install from the lock file into .venv

demo: install  ## ingest the sample drops, say what was loaded, and query it
	$(BIN)/copydesk ingest seeds/drops/*/ --home $(DEMO_HOME)
	$(BIN)/copydesk status --home $(DEMO_HOME)
	$(BIN)/copydesk sql --home $(DEMO_HOME) \
	  "SELECT a.headline, a.language, a.word_count, a.record_count AS copies, a.sources FROM articles AS a ORDER BY a.record_count DESC, a.word_count DESC LIMIT 10"

$(CLIENTS)/.installed: tests/clients/requirements.txt | install
	$(UV) venv --quiet --clear --python $(BIN)/python $(CLIENTS)
	$(UV) pip install --quiet --python $(CLIENTS)/bin/python -r $<
	@touch $@

test: install $(CLIENTS)/.installed  ## run the tests
	$(BIN)/pytest -q -n auto --dist loadfile

lint: install  ## check style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: install  ## measure ingests of 10,000 and 100,000 articles, beside a floor
	$(BIN)/python tests/bench/cleaning.py
	$(BIN)/python tests/bench/ingest.py

quality-text: install  ## measure how well plain text and web pages are taken apart
	$(BIN)/python tests/quality/text.py
	$(BIN)/python tests/quality/extraction.py

quality-duplicates: install  ## measure how well copies are found, and different articles left apart
	$(BIN)/python tests/quality/duplicates.py

torture: install  ## kill commands at every step and at random times, fill disks, and see that nothing is lost
	$(BIN)/python tests/torture/torture.py

quality-faults: install  ## measure how well faults of sources are noticed, and how often sound drops raise an alarm
	$(BIN)/python tests/quality/faults.py

bench-html: install  ## measure web pages a second, beside bare trafilatura in as many processes
	$(BIN)/python tests/bench/pages.py

$(PEERS)/.installed: tests/bench/peers/requirements.txt tests/bench/peers/left_out.txt | install
	$(UV) venv --quiet --clear --python $(BIN)/python $(PEERS)
	$(UV) pip install --quiet --python $(PEERS)/bin/python -r $< --overrides tests/bench/peers/left_out.txt
	@touch $@

bench-duplicates: install $(PEERS)/.installed  ## measure near-duplicate detection, beside datatrove, text-dedup, datasketch and rensa
	$(BIN)/python tests/bench/duplicates.py

bench-growth: install  ## measure a drop of 10,000 articles against 1,000,000 stored ones, beside the same against none
	$(BIN)/python tests/bench/growth.py

bench-rebuild: install  ## measure a rebuild of 100,000 articles beside the runs that it repeats, and compare every table
	$(BIN)/python tests/bench/rebuild.py

bench-validation: install  ## measure what share of an ingest of 100,000 articles validation takes
	$(BIN)/python tests/bench/validation.py

bench-publish: install  ## measure publishing after a small run, with 1,000,000 records stored and with few
	$(BIN)/python tests/bench/publish.py

bench-analysts: install  ## measure queries beside a native DuckDB table, and search beside DuckDB's own
	$(BIN)/python tests/bench/analysts.py

bench-year: install  ## measure queries, publishing and a small drop after a year of hourly drops, beside the first day
	$(BIN)/python tests/bench/year.py

bench-retract: install  ## measure withdrawing a text from 100,000 articles, and the proof that it is gone
	$(BIN)/python tests/bench/retract.py

bench-report: install  ## measure the report on a year of fifty sources: size, time to write, time until drawn
	$(BIN)/python tests/bench/report.py

bench-rebuild-text: install  ## measure how long 20,000 records take to be cleaned again, beside their ingest
	$(BIN)/python tests/bench/rebuild_text.py

.PHONY: help install demo test lint bench bench-html bench-duplicates bench-growth bench-publish bench-rebuild
.PHONY: bench-analysts bench-rebuild-text bench-report bench-retract bench-validation bench-year
.PHONY: quality-text quality-duplicates quality-faults torture
