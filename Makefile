# Needs Python 3.11 or newer with venv, and make. `make` alone lists the targets.
# Nothing is called by its console script: those break on a path with a space.

PYTHON =
ARGS =
MINUTES = 3
RATE = 20
SEED =
VENV = .venv/bin/python
# One file a worker at a time: its fixtures are made once. Each of a hundred processes
# would compile all modules anew where none may keep what it has compiled.
PYTEST = env -u PYTHONDONTWRITEBYTECODE $(VENV) -m pytest -n 5 --dist loadfile --no-loadscope-reorder \
  -p tests.tools.left_out

.DEFAULT_GOAL := help
.PHONY: help run test coverage test-long snapshots reliability lighthouse mutants \
  mutants-random chaos bench lint format translations pictures lock clean

# An interpreter counts when it runs: shims of version managers may only be there.
define install
set --; $(if $(PYTHON),set -- "$(PYTHON)",set -- python3 python3.14 python3.13 python3.12 python3.11); \
for python do \
  if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
    exec "$$python" storefront/demo/install.py $(if $(PYTHON),--rebuild) $(1); \
  fi; \
done; \
echo "Python 3.11 or newer with venv is needed and was not found as: $$*." \
  "Name one with PYTHON=... (on Debian venv is the package python3-venv)." >&2; \
exit 1
endef

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

run: ## start the shop with everything it needs; Ctrl-C stops all of it
	@$(call install,requirements.txt)
	@exec $(VENV) -m flask --app wsgi demo

test: ## run all tests; ARGS="-k words" picks some
	@$(call install,requirements-dev.txt)
	@CHROMIUM="$$($(VENV) tests/tools/chromium.py)" \
	  PGBOUNCER="$$($(VENV) tests/tools/pgbouncer.py)" \
	  $(PYTEST) $(ARGS)

# Tracing takes a third more time.
coverage: ## run all tests and show what they cover
	@$(MAKE) --no-print-directory test ARGS="--cov --cov-report=term $(ARGS)"

test-long: export MACHINE_STEPS ?= 30000
test-long: export PERMUTATIONS ?= 2000
test-long: export INTERLEAVINGS ?= 5000
test-long: export STORM ?= 20000
test-long: export KILLS ?= 10
test-long: export RECOVERIES ?= 20
test-long: export PAGES ?= all
test-long: ## run what is random for long, and write the figures into docs/reliability.md
	@$(call install,requirements-dev.txt)
	@CHROMIUM="$$($(VENV) tests/tools/chromium.py)" \
	  PGBOUNCER="$$($(VENV) tests/tools/pgbouncer.py)" \
	  $(PYTEST) -v -m long --junitxml=.long.xml $(ARGS); status=$$?; \
	  $(VENV) tests/tools/figures.py .long.xml && rm .long.xml; exit $$status

snapshots: ## keep trees and pictures of the pages as they are now; then look at the difference
	@$(call install,requirements-dev.txt)
	@RENEW=1 CHROMIUM="$$($(VENV) tests/tools/chromium.py)" $(VENV) -m pytest -q -m snapshot $(ARGS)

reliability: ## run all tests and write what became of them into docs/reliability.md
	@$(MAKE) --no-print-directory test ARGS="--junitxml=.reliability.xml $(ARGS)"
	@$(VENV) tests/tools/reliability.py .reliability.xml && rm .reliability.xml

lighthouse: ## let Lighthouse (by npx) measure the demo, and write docs/lighthouse.md
	@$(call install,requirements-dev.txt)
	@$(VENV) -m tests.tools.lighthouse

mutants: ## take twenty protections away, one at a time: each must be noticed
	@$(call install,requirements-dev.txt)
	@$(VENV) -m tests.tools.mutants $(ARGS)

mutants-random: ## change the code at random, COUNT=100 times by SEED=1, and see who notices
	@$(call install,requirements-dev.txt)
	@$(VENV) -m tests.tools.random_mutants --count $(or $(COUNT),100) \
	  $(if $(SEED),--seed $(SEED)) $(ARGS)

chaos: ## customers and one fault after the other for MINUTES=3, then all books; RATE=20, SEED=
	@$(call install,requirements-dev.txt)
	@exec $(VENV) -m tests.chaos --minutes "$(MINUTES)" --rate "$(RATE)" --seed "$(SEED)"

bench: ## measure the shop beside bare counterparts; ARGS="--only words" picks some
	@$(call install,requirements-dev.txt)
	@exec $(VENV) -m bench $(ARGS)

lint: ## check style, types and templates
	@$(call install,requirements-dev.txt)
	$(VENV) -m ruff check .
	$(VENV) -m ruff format --check .
	$(VENV) -m mypy
	$(VENV) -m djlint --lint --quiet storefront

format: ## put the code into the house's form
	@$(call install,requirements-dev.txt)
	$(VENV) -m ruff check --fix .
	$(VENV) -m ruff format .

translations: ## gather what is said into storefront/translations; then fill in what is new
	@$(call install,requirements-dev.txt)
	@$(VENV) -m tests.tools.translations

pictures: ## make of each theme's drawings the one file that browsers fetch, and the icons
	@$(call install,requirements-dev.txt)
	@$(VENV) -m tests.tools.pictures

lock: ## pin what requirements.in and requirements-dev.in ask for
	@$(call install,requirements-dev.txt)
	$(VENV) -m uv pip compile --universal --generate-hashes --python-version 3.11 \
	  --no-emit-index-url --no-header --quiet requirements.in -o requirements.txt
	$(VENV) -m uv pip compile --universal --generate-hashes --python-version 3.11 \
	  --no-emit-index-url --no-header --quiet -c requirements.txt \
	  requirements-dev.in -o requirements-dev.txt

clean: ## remove what can be made again; the demo's data in instance/ stay
	rm -rf .venv .coverage .coverage.* htmlcov .pytest_cache .mypy_cache \
	  .ruff_cache .hypothesis .chaos
