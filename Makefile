# Every target installs what it needs, at the versions of Pipfile.lock and package-lock.json.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
PIPENV_VERSION := 2026.10.3
CHECKOV_VERSION := 3.3.30
ACTIONLINT_VERSION := v1.7.12

export PATH := $(CURDIR)/bin:$(CURDIR)/.tools/venv/bin:$(CURDIR)/.tools/pipenv/bin:$(CURDIR)/node_modules/.bin:$(PATH)
export PIPENV_IGNORE_VIRTUALENVS := 1
export PIPENV_VERBOSITY := -1
export CHECKPOINT_DISABLE := 1
export NODE_NO_WARNINGS := 1
# Containers often set it. Without bytecode every Python here compiles a thousand modules anew.
export PYTHONDONTWRITEBYTECODE :=

# cdktf, or its fork cdktn: see docs/future.md.
CDK ?= cdktf

# terraform or tofu; CDKTF's command line reads the same variable.
export TERRAFORM_BINARY_NAME ?= terraform

# The packages of synth, and those with the tests' and tools'; tools/setup.py writes these files.
SYNTH_READY := .tools/venv/.packages-$(CDK)
PYTHON_READY := .tools/venv/.all-$(CDK)
NODE_READY := node_modules/.package-lock.json

BASE ?= main

# One worker for each CPU; tests that share a simulated AWS run in one worker.
WORKERS := -n logical --maxprocesses 4 --dist loadgroup

# need PROGRAM,WHAT TO DO IF IT IS MISSING
need = command -v $(1) >/dev/null || { echo "$(1) is not on the PATH; $(2)" >&2; exit 1; }
CHECK_PYTHON = $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "setup: $(PYTHON) must be" \
	"Python 3.11 or newer; name one that is: make setup PYTHON=python3.12" >&2; exit 1; }
OFFLINE = { echo "setup: the download failed, see above. Behind a proxy or a mirror set HTTPS_PROXY," \
	"PIP_INDEX_URL or npm_config_registry; then run make setup again" >&2; exit 1; }

.PHONY: help
help:
	@for group in use check develop; do echo "$$group:"; awk -F ":.*## $$group: " \
		'NF > 1 { gsub(/[$$][$$]/, "$$"); printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST) \
		| LC_ALL=C sort; done

.PHONY: with-terraform with-go with-stack
with-terraform:
	@$(call need,$(TERRAFORM_BINARY_NAME),install 1.11 or newer: https://developer.hashicorp.com/terraform/install. \
		make synth and make quick do not need it)

with-go:
	@$(call need,go,the lab is built with it: https://go.dev/doc/install)

with-stack:
	@test -n "$(STACK)" || { echo "STACK is missing; name a stack: make $(MAKECMDGOALS) STACK=prom_amp_cost" >&2; exit 2; }

.PHONY: setup
setup: $(SYNTH_READY) $(NODE_READY)  ## use: Install what synth and deploy take: Python packages, Node.js, the CDKTF command line

.PHONY: new
new: $(SYNTH_READY)  ## use: Ask where, which cluster and which architecture, and write kubecost.yaml
	@python -m tools new $(ARGS)

.PHONY: synth
synth: $(SYNTH_READY)  ## use: Write the Terraform JSON of every stack to cdktf.out/stacks
	@python -O -m tools synth

.PHONY: test
test: with-terraform $(PYTHON_READY) $(NODE_READY)  ## check: Run the tests that need nothing but Terraform
	@pytest $(WORKERS) --ignore=tests/lab

.PHONY: lab
lab: with-go with-terraform $(PYTHON_READY)  ## check: Build Prometheus, API server and collector for test-lab (first: some 40 CPU minutes)
	@tests/lab/tools/build

.PHONY: test-lab
test-lab: lab  ## check: Run what was synthesized in a made-up cluster (as root)
	@pytest -n 3 --dist loadgroup tests/lab

.PHONY: test-slow
test-slow: with-terraform $(PYTHON_READY) .tools/checkov/.installed  ## check: Run the tests that take minutes: update and destroy on a simulated AWS
	@pytest -m slow -n 4 --dist loadgroup --durations 12

.PHONY: test-opentofu
test-opentofu: $(PYTHON_READY) .tools/bin/tofu  ## check: Run the tests of Terraform with OpenTofu, built from its source
	@TERRAFORM_BINARY_NAME="$(CURDIR)/.tools/bin/tofu" pytest -m '' -n 4 --dist loadgroup \
		tests/terraform/test_{apply,backends,door,gate,login,release,review,validate,verify}.py

.PHONY: quick
quick: $(PYTHON_READY)  ## check: Run what takes seconds, after every edit: style, types, tests without Node.js, one golden
	@ruff check --quiet
	@ruff format --diff --quiet
	@mkdir -p .mypy_cache; mypy . > .mypy_cache/quick 2>&1 & types=$$!; \
		pytest -q -n 2 --dist worksteal -m 'not slow and not lengthy' -p no:logging tests/unit \
		'tests/synth/test_golden.py::test_stacks_are_as_committed[defaults]'; \
		wait $$types || { cat .mypy_cache/quick; exit 1; }

.PHONY: lint
lint: $(PYTHON_READY) .tools/bin/actionlint  ## check: Check style, types and workflows
	@ruff check
	@ruff format --check
	@mypy .
	@.tools/bin/actionlint
	@zizmor --offline --quiet .github

.PHONY: docs
docs: $(PYTHON_READY)  ## check: Build the pages as a site, and fail when a page or a link leads nowhere
	@python -m tools docs

.PHONY: compare
compare: $(PYTHON_READY)  ## use: Show what each architecture costs, keeps and needs: ARGS="--nodes 20 --pods 600"
	@python -m tools compare $(ARGS)

.PHONY: plan
plan: with-stack with-terraform synth  ## use: Review a stack's plan as a pull request shows it: STACK=prom
	@python -m tools plan "$(STACK)"

.PHONY: verify
verify: with-stack synth $(PYTHON_READY)  ## use: Check a deployed stack: STACK=prom_amp_cost
	@python -m tools verify "$(STACK)" $(ARGS)

.PHONY: diff
diff: $(SYNTH_READY)  ## use: Show what the synthesized Terraform changes since a commit: BASE=main
	@python -m tools diff "$(BASE)" $(HEAD)

.PHONY: eject
eject: with-stack with-terraform synth  ## use: Write a stack as HCL to ejected/, for a life without CDKTF: STACK=prom
	@python -m tools eject "$(STACK)"

.PHONY: format
format: $(PYTHON_READY)  ## develop: Format the code
	@ruff check --fix
	@ruff format

.PHONY: golden
golden: $(PYTHON_READY)  ## develop: Accept the synthesized JSON as the new golden files
	@pytest --update-golden tests/synth

.PHONY: dashboards
dashboards: $(PYTHON_READY)  ## develop: Write the Grafana dashboards and their recording rules
	@python -m tools dashboards

.PHONY: reference
reference: $(SYNTH_READY)  ## develop: Write docs/settings.md and the editors' schema from settings/
	@python -m tools reference

.PHONY: chart-keys
chart-keys: $(SYNTH_READY)  ## develop: Write the keys that charts know to stacks/chart_keys.json: CHARTS="cost-analyzer"
	@test -n "$(CHARTS)" || { echo 'CHARTS is missing; run helm pull --untar, then: make chart-keys CHARTS="cost-analyzer"' >&2; exit 2; }
	@python -m tools chart-keys $(CHARTS)

.PHONY: reach
reach: $(PYTHON_READY)  ## develop: Write who reaches whom into docs/security.md
	@python -m tools reach

.PHONY: images
images: $(PYTHON_READY) $(NODE_READY)  ## develop: Draw the pictures in images/ from what is synthesized and measured
	@python -m tools images
	@KUBECOST_CONFIG=tools/pictures/defaults.yaml python -m tools compare --nodes 20 --pods 600 --clusters 3 --region us-east-1 \
		--chart images/costs.png > /dev/null

.PHONY: demo
demo: with-terraform $(PYTHON_READY)  ## use: Apply base and one overlay with the real terraform to a simulated AWS
	@python -m tools demo

.PHONY: keep-release
keep-release: $(PYTHON_READY)  ## develop: Keep what the version in CHANGELOG.md synthesizes, for the tests of updates
	@python -m tools keep-release

.PHONY: bench
bench: $(PYTHON_READY) $(NODE_READY)  ## develop: Measure synth against stock imports and the fork, and by the size of the fleet
	@python -m tools bench

.PHONY: lock
lock: $(SYNTH_READY) .tools/pipenv/.installed  ## develop: Update Pipfile.lock, bindings/cdktn.txt and package-lock.json to the newest allowed versions
	@pipenv lock
	@$(PYTHON) -c "import json, pathlib; lock = pathlib.Path('Pipfile.lock'); \
		data = json.loads(lock.read_text()); data['_meta']['sources'] = []; \
		lock.write_text(json.dumps(data, indent=4, sort_keys=True) + '\n')"
	@uv=$$($(PYTHON) -c "from tools.setup import install_uv; print(install_uv())" | tail -n 1); \
		lock() { "$$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--no-annotate --no-emit-index-url "$$@"; }; \
		lock --no-deps bindings/cdktn.in --output-file bindings/cdktn.txt; \
		$(PYTHON) -c "from tools.setup import UV_VERSION as v; print(f'uv=={v}')" | lock - -o tools/locked/uv.txt; \
		echo pipenv==$(PIPENV_VERSION) | lock - -o tools/locked/pipenv.txt
	@npm install --package-lock-only --omit-lockfile-registry-resolved --no-audit --no-fund

.PHONY: env
env:  ## use: Print what puts cdktf and Python on the PATH: eval "$$(make env)"
	@test -e $(SYNTH_READY) -a -e $(NODE_READY) || echo "cdktf is not installed yet: make setup" >&2
	@echo 'export PATH="$(CURDIR)/bin:$(CURDIR)/.tools/venv/bin:$(CURDIR)/node_modules/.bin:$$PATH" CHECKPOINT_DISABLE=1 NODE_NO_WARNINGS=1'

.PHONY: clean
clean:  ## use: Remove what the targets made, but no Terraform state
	@rm -rf cdktf.out node_modules .tools .lab .mypy_cache .pytest_cache .ruff_cache .hypothesis

.tools/pipenv/.installed: Makefile tools/locked/pipenv.txt
	@echo "setup: pipenv $(PIPENV_VERSION)"
	@$(PYTHON) -m venv --clear .tools/pipenv
	@.tools/pipenv/bin/pip install --quiet --disable-pip-version-check --require-hashes \
		-r tools/locked/pipenv.txt || $(OFFLINE)
	@touch $@

# PyPI's package of it downloads the program when it is installed; Go checks what it builds.
.tools/bin/actionlint: Makefile
	@$(call need,go,actionlint is built with it: https://go.dev/doc/install)
	@echo "setup: actionlint $(ACTIONLINT_VERSION)"
	@GOBIN="$(CURDIR)/.tools/bin" go install github.com/rhysd/actionlint/cmd/actionlint@$(ACTIONLINT_VERSION)
	@touch $@

.tools/bin/tofu: $(wildcard tests/terraform/opentofu/go.*)
	@$(call need,go,OpenTofu is built with it: https://go.dev/doc/install)
	@echo "setup: OpenTofu of tests/terraform/opentofu/go.mod, which takes many minutes"
	@cd tests/terraform/opentofu && CGO_ENABLED=0 nice go build -trimpath -buildvcs=false \
		-ldflags "-s -w -X github.com/opentofu/opentofu/version.dev=no" \
		-o "$(CURDIR)/$@" github.com/opentofu/opentofu/cmd/tofu

$(SYNTH_READY): Pipfile.lock bindings/cdktn.txt tools/setup.py
	@$(CHECK_PYTHON)
	@$(PYTHON) -m tools setup packages --cdk "$(CDK)"

$(PYTHON_READY): Pipfile.lock bindings/cdktn.txt tools/setup.py
	@$(CHECK_PYTHON)
	@$(PYTHON) -m tools setup all --cdk "$(CDK)"

# Apart from the project's packages: it pins many of its own.
.tools/checkov/.installed: Makefile
	@echo "setup: checkov $(CHECKOV_VERSION)"
	@$(PYTHON) -m venv --clear .tools/checkov
	@.tools/checkov/bin/pip install --quiet --disable-pip-version-check checkov==$(CHECKOV_VERSION) || $(OFFLINE)
	@touch $@

$(NODE_READY): package-lock.json | $(SYNTH_READY)
	@$(PYTHON) -m tools setup cdktf
	@touch $@
