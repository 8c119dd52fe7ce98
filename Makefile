# The two commands are `make report` and `make test`; everything else is below them.
PYTHON ?= python3
BIN := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
READY := .venv/.ready
GOLD ?= ../shared/gold
DEMO := data/books/demo
DEMO_READY := $(DEMO)/.ready
.DEFAULT_GOAL := report
.PHONY: report demo test test-browser test-readme test-airflow lint strip lab evaluate validate bench docs lock

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'csnb needs Python 3.11 or newer')"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e ".[dev]"
	$(BIN)/python -c "open('$(READY)', 'w')"

report: $(DEMO_READY)  ## import the demo export, run every report in Chinese and English, print the index
	$(BIN)/csnb report --book $(DEMO) --lang zh,en

demo: $(DEMO_READY)  ## the demo book, from the exports and labels in data/demo/; made anew when they or csnb change

$(DEMO_READY): $(READY) $(wildcard data/demo/* csnb/*.py csnb/definitions/*.*) $(filter-out %/strings/%, $(wildcard csnb/definitions/*/*))
	rm -rf $(DEMO)
	tail -n +2 data/demo/exports.csv | while IFS=, read -r file layout kind rows; do \
	  $(BIN)/csnb import data/demo/$$file --platform $$layout --kind $$kind --into $(DEMO) || exit; done
	mkdir $(DEMO)/drawn && cp data/demo/drawn.parquet $(DEMO)/drawn/0001.parquet
	$(BIN)/csnb label import $(DEMO) data/demo/labels.csv.gz
	$(BIN)/python -c "open('$(DEMO_READY)', 'w')"

test: $(DEMO_READY)  ## every test, the notebooks included
	$(BIN)/python -m pytest -q

test-browser: report  ## every page and JupyterLab in a real browser: needs chromium, and npm for axe-core
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e ".[browser]"
	$(BIN)/python -m pytest -q tests/browser

test-readme: $(READY)  ## every shell block of both READMEs and docs/schedule.md, in a fresh copy
	$(BIN)/python tests/readme_blocks.py README.md README.zh-CN.md docs/schedule.md

test-airflow:  ## the Airflow recipe in an environment of its own (1 GB in cache/airflow)
	test -x cache/airflow/bin/airflow || { $(PYTHON) -m venv cache/airflow && \
	  cache/airflow/bin/pip install -q --disable-pip-version-check -r docs/recipes/airflow-requirements.txt; }
	cache/airflow/bin/python tests/airflow/check_dag.py

lint: $(READY)  ## style of code and notebooks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/nbstripout --keep-id --verify notebooks/*.ipynb

strip: $(READY)  ## take outputs out of the notebooks and format the code
	$(BIN)/nbstripout --keep-id notebooks/*.ipynb
	$(BIN)/ruff format .

lab: $(DEMO_READY)  ## JupyterLab with the demo book, at the tour; it asks the network for nothing
	$(BIN)/jupyter lab --LabApp.news_url=None --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate notebooks/_tour_zh.ipynb

evaluate: $(READY)  ## reason coding against coded conversations: make evaluate GOLD=path; CURVE=1: what labels of one's own add
	$(BIN)/python -m csnb.$(if $(CURVE),learning_curve,evaluate) $(GOLD)

validate: $(READY)  ## every estimator against simulated worlds; writes docs/validation.md
	$(BIN)/python -m validation

bench: $(READY)  ## import and build of a million messages: seconds and peak memory
	$(BIN)/python -m benchmarks.import_build

docs: $(READY)  ## the pages of docs/ that follow from the code
	$(BIN)/python docs/make.py

lock:  # needs uv; versions only, no index address
	uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --no-header --no-annotate -q -U -o constraints.txt
