# `make` alone lists the targets. A recipe that ends with a status other than 0 makes `make` itself end with 2;
# `.venv/bin/python -m cli ...` gives the status of the command itself (0 pass, 1 target missed, 2 usage, 3 invalid).

PYTHON ?= python3
PY := .venv/bin/python
INSTALLED := .venv/.installed
PROGRAMS := .venv/.programs

# The values reach the shell as environment variables, never as text of a command: quotes, braces, parentheses
# and dollar signs in them survive.
export REELBENCH_NAME := $(if $(filter command,$(firstword $(origin NAME))),$(value NAME))
export REELBENCH_SEED := $(value SEED)
export REELBENCH_JOBS := $(value JOBS)
export REELBENCH_MINUTES := $(value MINUTES)
export REELBENCH_GENERATORS := $(value GENERATORS)
export REELBENCH_DOCUMENT := $(value DOCUMENT)
export REELBENCH_RUN := $(value RUN)
export REELBENCH_QUERY := $(value Q)
export REELBENCH_ONLY := $(value ONLY)
export REELBENCH_PRICES := $(value PRICES)
export REELBENCH_REPEAT := $(value REPEAT)
export REELBENCH_WITH := $(value WITH)
export REELBENCH_A := $(value A)
export REELBENCH_B := $(value B)
export REELBENCH_ON := $(value ON)
export REELBENCH_RUNG := $(value RUNG)
export REELBENCH_CONFIDENCE := $(value CONFIDENCE)
export REELBENCH_ANYWAY := $(value ANYWAY)
export REELBENCH_TARGET := $(value TARGET)
export REELBENCH_PROMETHEUS := $(value PROMETHEUS)
unexport NAME SEED JOBS MINUTES GENERATORS DOCUMENT RUN Q ONLY PRICES REPEAT WITH A B ON RUNG CONFIDENCE ANYWAY TARGET PROMETHEUS
MAKEOVERRIDES =

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help scenario compare ablation chaos scenarios report paper bench up query setup test test-compose lint dashboards clean

##@ Measure
scenario: setup ## Run one scenario: NAME=single [SEED=1] [JOBS=72] [MINUTES=10] [GENERATORS=2] [DOCUMENT=paper.pdf] [REPEAT=5] [WITH='T2V_SLOTS=4']
	@exec $(PY) -m cli scenario $${REELBENCH_NAME:+"$$REELBENCH_NAME"} \
	  $${REELBENCH_SEED:+--seed "$$REELBENCH_SEED"} $${REELBENCH_JOBS:+--jobs "$$REELBENCH_JOBS"} \
	  $${REELBENCH_MINUTES:+--minutes "$$REELBENCH_MINUTES"} \
	  $${REELBENCH_REPEAT:+--repeat "$$REELBENCH_REPEAT"} $${REELBENCH_WITH:+--with "$$REELBENCH_WITH"} \
	  $${REELBENCH_GENERATORS:+--generators "$$REELBENCH_GENERATORS"} \
	  $${REELBENCH_DOCUMENT:+--document "$$REELBENCH_DOCUMENT"} \
	  $${REELBENCH_TARGET:+--target "$$REELBENCH_TARGET"} $${REELBENCH_PROMETHEUS:+--prometheus "$$REELBENCH_PROMETHEUS"}
compare: setup ## Is B better or worse than A? A=<runs> B=<runs> [ON=response_p95] [RUNG=users-5] [CONFIDENCE=0.95] [ANYWAY=1]
	@exec $(PY) -m cli compare $${REELBENCH_A:+--a "$$REELBENCH_A"} $${REELBENCH_B:+--b "$$REELBENCH_B"} \
	  $${REELBENCH_ON:+--on "$$REELBENCH_ON"} $${REELBENCH_RUNG:+--rung "$$REELBENCH_RUNG"} \
	  $${REELBENCH_CONFIDENCE:+--confidence "$$REELBENCH_CONFIDENCE"} $${REELBENCH_ANYWAY:+--anyway}
ablation: setup ## What each optimisation gains: everything on against one thing off [REPEAT=4] [SEED=1]
	@exec $(PY) -m cli ablation $${REELBENCH_SEED:+--seed "$$REELBENCH_SEED"} \
	  $${REELBENCH_REPEAT:+--repeat "$$REELBENCH_REPEAT"}
chaos: setup ## Kill, pause and starve its processes: every scenario with faults of processes [SEED=1]
	@exec $(PY) -m cli scenario chaos $${REELBENCH_SEED:+--seed "$$REELBENCH_SEED"}
scenarios: setup ## List the scenarios
	@exec $(PY) -m cli scenarios

report: setup ## Write the report again, offline: [RUN=<folder in runs/>] [PRICES=mine.toml], else from the newest valid runs
	@exec $(PY) -m cli report $${REELBENCH_RUN:+"$$REELBENCH_RUN"}
paper: setup ## Tables (CSV, LaTeX, JSON), figures, method and manifest, ready to print: [RUN=<run, set or comparison in runs/>]
	@exec $(PY) -m cli paper $${REELBENCH_RUN:+"$$REELBENCH_RUN"}
bench: setup ## Compare speed with named peers (prints a table, asserts nothing) [ONLY=queue]
	@exec $(PY) -m bench $${REELBENCH_ONLY:+--only "$$REELBENCH_ONLY"}

##@ Look
up: setup ## Keep the whole stack running here until Ctrl-C; scenarios in other terminals use it
	@exec $(PY) -m cli up
query: setup ## Ask Prometheus: Q='sum by (outcome) (t2v_jobs_finished_total)'
	@exec $(PY) -m cli query "$$REELBENCH_QUERY"

##@ Develop
setup: $(INSTALLED) $(PROGRAMS) ## Install Python packages and find redis-server and prometheus (the others do it too)
test: setup ## Run all tests: three files at a time, then, alone, the suites that measure
	@began=$$(date +%s); \
	$(PY) -m pytest tests/integration tests/unit -n 3 --dist loadfile --no-loadscope-reorder; first=$$?; \
	test $$first -le 1 || exit $$first; \
	half=$$(date +%s); $(PY) -m pytest tests/test_*.py -v --durations=12; second=$$?; \
	word() { test $$1 -eq 0 && echo passed || echo FAILED; }; \
	echo "unit and integration $$(word $$first) in $$((half - began)) s," \
	  "measuring suites $$(word $$second) in $$(($$(date +%s) - half)) s"; \
	test $$first -eq 0 && test $$second -eq 0
test-compose: setup ## Test the stack of docker compose on a real engine (skipped without one)
	@exec $(PY) -m pytest tests/compose -v -s
lint: setup ## Check style and types
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy .
dashboards: setup ## Write Grafana's dashboards again, from their definitions in grafana/*.py
	@$(PY) -m grafana
clean: ## Remove everything that make has made: .venv, .cache, runs
	rm -rf .venv .cache runs

help:
	@awk 'BEGIN { FS = ":.*## " } /^##@/ { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

$(INSTALLED): requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo >&2 \
	  "Needs Python 3.11 or newer as $(PYTHON): install it, or name another with make PYTHON=/path/to/python3."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo >&2 \
	  "Needs Python's venv module: on Debian and Ubuntu run 'sudo apt-get install python3-venv'."; exit 1; }
	@echo "Installing Python packages into .venv (once)."
	@$(PY) -c 'import pip' 2>/dev/null || $(PYTHON) -m venv --clear .venv
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r requirements-dev.lock
	@touch $@

$(PROGRAMS): $(INSTALLED) stack/programs.py stack/packages.py
	@$(PY) -m stack.programs
	@touch $@
