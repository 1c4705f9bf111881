# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The front door. Every target prepares what it needs and may be run again.

# Where the lab keeps everything it makes, the controller's environment included.
LAB_DIR ?= /var/lib/osdr-lab
# The same seed makes the same campaign.
SEED ?= 1
# How many checkpoints under load the checker reads, of each driver in turn.
ROUNDS ?= 2
# What "make molecule" plays, one after the other; "default" ends with the primary site killed, so it comes last.
SCENARIOS ?= default
# Your own clouds.yaml, and the variables file of your application, for the scenario "own_clouds".
CLOUDS ?= $(LAB_DIR)/clouds.yaml
VARIABLES ?= tests/lab/own-clouds.yml
# How often "make flaky" runs the functional tests and all scenarios.
RUNS ?= 10
# How many mutants of which modules "make mutants" makes, and how many attempts each campaign of "make attack", which have goals of their own.
N ?=
MODULES ?=
# The output of an earlier "make mutants", of which only the survivors are judged.
AGAIN ?=
# How often the controller is killed in mid-freeze.
KILLS ?= 3

# Which release of OpenStack a site is made with, where it is not the newest: RELEASES="primary=2024.1 remote=2025.2".
RELEASES ?=
# What "make releases" goes through: from which release to which other one.
MOVES ?= 2024.1-2025.2 2025.2-2026.2 2026.2-2024.1

# Which rows "make matrix" goes through, and what "make lock" locks.
MATRIX ?= core-2.19 core-2.20 core-2.21 core-2.22
ENVIRONMENTS ?= $(basename $(notdir $(wildcard tests/requirements/*.in)))
# With which of its stages "make test" begins.
FROM ?=
# What "make integration" runs, all of it or some by name, and on which clouds.
TARGETS ?=
CONFIG ?= tests/integration/integration_config.yml

venvs := $(LAB_DIR)/venvs
controller := $(venvs)/controller
tools := tests/tools
environments := /usr/bin/python3 $(tools)/environments.py
stages := $(controller)/bin/python $(tools)/stages.py
# The gates that need neither a lab nor a cloud. "make test" has the unit tests beside the start of the lab, which takes as long, and all others beside
# the tests on it, which take longer than these together: the short ones first, so that whoever made a mistake hears of it soon.
long := plays+sanity+from-nothing+environment
short := lint+docs
artifacts := $(CURDIR)/.build/artifact
bench_path = $(ANSIBLE_COLLECTIONS_PATH):tests/functional
lab := ansible-playbook --extra-vars lab_dir=$(LAB_DIR) $(if $(RELEASES),--extra-vars "lab_releases='$(RELEASES)'")

# No proxy of the machine knows the sites.
comma := ,
export no_proxy := $(if $(or $(no_proxy),$(NO_PROXY)),$(or $(no_proxy),$(NO_PROXY))$(comma))localhost,127.0.0.1,primary,remote,10.88.0.0/16

export PATH := $(controller)/bin:$(PATH)
export OSDR_LAB_DIR := $(LAB_DIR)
export OS_CLIENT_CONFIG_FILE := $(abspath $(CLOUDS))
export OSDR_VARIABLES := $(abspath $(VARIABLES))
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.build/collections
# The tests start Python hundreds of times, and compile nothing twice.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-24s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.DEFAULT_GOAL := help

.PHONY: controller
controller: ## Prepare the controller: Debian packages, Python environment, collection link
	@/usr/bin/python3 $(tools)/controller.py $(controller)

.PHONY: lock
lock: ## Lock the Python environments of tests/requirements anew, and install nothing (ENVIRONMENTS="bare packaging")
	@/usr/bin/python3 $(tools)/controller.py --lock $(addprefix $(venvs)/,$(ENVIRONMENTS))

.PHONY: demo
demo: lab-up ## Kill the primary site and recover the application at the remote one
	$(lab) tests/lab/demo.yml

.PHONY: test
test: controller ## Everything: the proof on the lab, and beside it what needs no cloud (FROM=functional goes on from there)
	@$(stages) --resume="make test" --from=$(FROM) lab-up+unit functional+$(short)+hooks+$(long) molecule

.PHONY: checks
checks: controller ## What needs no cloud, two at a time (FROM=unit goes on from there)
	@$(stages) --resume="make checks" --from=$(FROM) $(long)+unit+$(short)

.PHONY: lint
lint: lint-ansible lint-python lint-types lint-docs lint-changelog lint-licences ## Style, types, documentation, licences, changelog

.PHONY: lint-ansible
lint-ansible: controller
# Where Ansible is only asked for its opinion, there are no hosts.
	ANSIBLE_HOST_PATTERN_MISMATCH=ignore ansible-lint --offline

.PHONY: lint-python
lint-python: controller
	ruff check --quiet

.PHONY: lint-types
lint-types: controller
	mypy
	mypy roles/nova_quiesce_api/files/nova_quiesce_api.py

.PHONY: lint-docs
lint-docs: controller
	antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs self .

.PHONY: lint-changelog
lint-changelog: controller
	antsibull-changelog lint

.PHONY: lint-licences
lint-licences: controller
	reuse lint --lines

.PHONY: docs
docs: controller ## What the documents say is true; and the documentation site as HTML and the runbook for printing, in .build/docs/html
	pytest tests/docs --numprocesses auto
	@$(controller)/bin/python $(tools)/docs.py

.PHONY: sanity
sanity: controller ## ansible-test sanity, without an ignore file
	@$(controller)/bin/python $(tools)/sanity.py

.PHONY: unit
unit: controller ## The library and the modules, in a minute
	pytest tests/unit --numprocesses auto

.PHONY: plays
plays: controller ## What starts Ansible, a browser or git, without a cloud: roles, AWX, reports, tools
	pytest tests/plays tests/tools --numprocesses auto

.PHONY: from-nothing
from-nothing: controller ## As root: a Debian 12 with nothing on it, where the controller is prepared and what needs no lab runs
	pytest tests/from_nothing

.PHONY: environment
environment: controller ## The artifact in a bare environment, and what ansible-builder makes of it
	@$(environments) $(venvs)/bare $(venvs)/packaging
	pytest tests/artifact -m "not campaign" --numprocesses auto

.PHONY: matrix
matrix: controller ## Sanity and unit tests with every ansible-core that is supported (MATRIX=core-2.21)
	@$(stages) $(foreach row,$(MATRIX),$(row)-sanity $(row)-unit)

core-%-sanity: controller
	@$(environments) $(venvs)/core-$*
	@PATH=$(venvs)/core-$*/bin:$$PATH python $(tools)/sanity.py

core-%-unit: controller
	@$(environments) $(venvs)/core-$*
	@PATH=$(venvs)/core-$*/bin:$$PATH pytest tests/unit tests/docs tests/plays tests/tools --numprocesses auto

.PHONY: integration
integration: controller ## ansible-test integration on your own two clouds, see tests/integration/README.md (TARGETS=os_checkpoint)
	@$(controller)/bin/python $(tools)/integration.py $(CONFIG) $(TARGETS)

.PHONY: functional
functional: controller ## On the running lab: freezing, snapshots, groups, what dies in the window (KILLS=3 ROUNDS=2 SEED=1)
	pytest tests/functional -m "not campaign" --verbose --durations=25 --kills=$(KILLS) --rounds=$(ROUNDS) --seed=$(SEED)

# At the remote site. Functional tests that disturb its services, or compare all that is there, wait for the same lock.
.PHONY: hooks
hooks: controller ## On the running lab: the freeze hooks in database guests
	flock --close $(LAB_DIR)/remote.lock $(lab) tests/lab/hooks.yml

.PHONY: molecule
molecule: controller ## The proof, on the running lab, under load: checkpoint, site killed, restore, checker; or other scenarios (SCENARIOS=default)
	@$(controller)/bin/python $(tools)/scenario.py $(SCENARIOS)

.PHONY: releases
releases: controller ## The lab made anew with two releases of OpenStack at a time: the quiesce API at one, the default scenario from there to the other; then removed (MOVES=2024.1-2025.2)
	@$(stages) $(foreach move,$(MOVES),from-$(move)) without-sites

from-%: without-sites
	@$(MAKE) --no-print-directory lab-up RELEASES="$(join primary= remote=,$(subst -, ,$*))"
	pytest tests/functional/test_nova_quiesce_api.py tests/functional/test_nova_quiesce_role.py -m "not campaign" --verbose
	@$(MAKE) --no-print-directory molecule SCENARIOS=default

.PHONY: without-sites
without-sites: controller
	$(lab) --extra-vars lab_remove_state=true tests/lab/down.yml

.PHONY: bench
bench: lab-up lab-shop ## What the collection adds to the freeze of a group and to its snapshots, what copying costs, as ratios, what the check before a restore, reading a large catalogue, the playbooks of many servers, the inventory of a site and the page about it take, what checkpoints of up to 200 servers take that only pretend, and (simulated) what it saves that servers are thawed one by one, and how long windows of 1,000 would be
	PYTHONPATH=$(bench_path) $(controller)/bin/python tests/bench/freeze.py
	PYTHONPATH=$(bench_path) $(controller)/bin/python tests/bench/window.py
	PYTHONPATH=$(bench_path) $(controller)/bin/python tests/bench/replication.py
	PYTHONPATH=$(bench_path) $(controller)/bin/python tests/bench/images.py
	PYTHONPATH=$(bench_path) $(controller)/bin/python tests/bench/preflight.py
	PYTHONPATH=$(bench_path) $(controller)/bin/python tests/bench/reading.py
	PYTHONPATH=$(bench_path) $(controller)/bin/python tests/bench/handing.py
	$(controller)/bin/python tests/bench/inventory.py
	PYTHONPATH=$(ANSIBLE_COLLECTIONS_PATH) $(controller)/bin/python tests/bench/status.py
	PYTHONPATH=$(ANSIBLE_COLLECTIONS_PATH):tests/campaigns $(controller)/bin/python tests/bench/overlap.py
	$(lab) tests/lab/many_servers.yml
	PYTHONPATH=$(bench_path) $(controller)/bin/python tests/bench/scale.py
	$(lab) tests/lab/many_servers.yml --extra-vars many_servers=false

.PHONY: flaky
flaky: controller ## The functional tests, the hooks and all scenarios so many times, and how often each test failed; goes on when run again (RUNS=10)
	@$(controller)/bin/python $(tools)/flaky.py $(LAB_DIR)/flaky --runs=$(RUNS) functional hooks own_clouds one_of_each failback_one_of_each drill failback partial_failure default

.PHONY: mutants
mutants: controller ## Small mistakes, one at a time, and whether a unit test notices (SEED=1 N=200 MODULES="quiesce copies/plan")
	@$(controller)/bin/python $(tools)/mutants.py --seed=$(SEED) $(if $(N),--count=$(N)) $(if $(AGAIN),--again=$(AGAIN)) $(MODULES)

.PHONY: attack
attack: controller ## Campaigns against the promises of the library, without a cloud, each to its goal (SEED=1), or N attempts of each
	@$(controller)/bin/python $(tools)/attack.py --seed=$(SEED) $(if $(N),--count=$(N))

.PHONY: soak
soak: controller ## Long campaigns, first without a cloud, then on the lab; the last line counts (SEED=1 ROUNDS=100 KILLS=200 N=2000 RUNS=10)
	@ROUNDS=100 KILLS=200 N=2000 $(stages) --resume="make soak" --from=$(FROM) \
		mutants+soak-attack lab-up lab-shop soak-window+soak-copies soak-scenarios soak-own-clouds soak-integration soak-campaigns flaky releases

.PHONY: soak-attack soak-scenarios soak-own-clouds soak-integration soak-campaigns soak-window soak-copies
soak-attack: controller
	@$(MAKE) --no-print-directory attack N=

soak-scenarios: controller
	@$(MAKE) --no-print-directory molecule SCENARIOS="one_of_each failback_one_of_each drill failback partial_failure"

soak-own-clouds: lab-shop
	@$(MAKE) --no-print-directory molecule SCENARIOS=own_clouds

soak-integration: controller
	@$(MAKE) --no-print-directory integration CONFIG=tests/lab/integration_config.yml

soak-campaigns: controller
	pytest tests/functional --verbose -m campaign

# Freezing is at the primary site, restores are at the remote one, and copies freeze nobody: so these two run side by side.
soak-window: controller
	pytest tests/functional/test_kills.py tests/functional/test_consistency.py tests/functional/test_fleet.py --capture=no \
		--prepared --rounds=$(ROUNDS) --kills=$(KILLS) --fleet=10 --seed=$(SEED)

soak-copies: controller
	pytest tests/functional/test_replication.py::test_killed_in_any_step_it_can_be_finished \
		tests/functional/test_replication.py::test_killed_at_any_moment_it_can_be_finished \
		tests/functional/test_restore.py::test_killed_at_any_moment_it_can_be_finished_and_removed --capture=no \
		--prepared --kills=$$(($(KILLS) / 2)) --seed=$(SEED)

.PHONY: artifact
artifact: controller ## Build the artifact in .build/artifact, and look at it as Galaxy and as a bare environment do
	@$(environments) $(venvs)/bare $(venvs)/packaging
	@rm -rf $(artifacts)
	@$(controller)/bin/python $(tools)/artifact.py $(artifacts)
	pytest tests/artifact --artifact=$(artifacts)/$$(ls $(artifacts) | grep -F .tar.gz) --numprocesses auto

.PHONY: version
version: controller ## Begin a release: its number and its changelog (VERSION=0.2.0)
	@$(controller)/bin/python $(tools)/version.py $(VERSION)

.PHONY: release
release: controller ## Build a release from a clean tree: lint, matrix and the artifact's proof
	@$(stages) version lint matrix artifact

.PHONY: release-demo
release-demo: artifact lab-up ## The demo, with the installed artifact in an environment that knows nothing of the working tree
	@$(environments) $(venvs)/demo
	PATH=$(venvs)/demo/bin:$$PATH ANSIBLE_COLLECTIONS_PATH=$(artifacts)/collections $(lab) tests/lab/demo.yml

.PHONY: pre-commit
pre-commit: controller ## Have git run the quick checks before every commit
	@$(environments) $(venvs)/packaging
	$(venvs)/packaging/bin/pre-commit install

.PHONY: lab-up
lab-up: controller ## Bring both sites up
	$(lab) tests/lab/up.yml

.PHONY: lab-shop
lab-shop: controller ## The application at the primary site, under load
	$(lab) tests/lab/shop.yml

.PHONY: lab-status
lab-status: controller ## Table of services; the exit status tells
	@$(controller)/bin/python tests/lab/status.py --lab-dir $(LAB_DIR)

.PHONY: lab-down
lab-down: controller ## Stop both sites
	$(lab) tests/lab/down.yml

.PHONY: lab-kill
lab-kill: controller site-given ## Kill a site, guests and links included (SITE=primary)
	$(lab) --extra-vars site=$(SITE) tests/lab/kill.yml

.PHONY: lab-restart
lab-restart: controller site-given ## Bring a killed site back from its state on disk (SITE=primary)
	$(lab) --extra-vars site=$(SITE) tests/lab/restart.yml

.PHONY: site-given
site-given:
	@test -n "$(SITE)" || { echo "Which site? Say SITE=primary or SITE=remote." >&2; exit 2; }
