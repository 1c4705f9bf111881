# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The front door. Every target prepares what it needs and may be run again.

# Where the lab keeps everything it makes, the controller's environment included.
LAB_DIR ?= /var/lib/osdr-lab
# The same seed makes the same campaign.
SEED ?= 1
# How many checkpoints under load the checker reads.
ROUNDS ?= 3
# What "make molecule" plays, one after the other; "default" ends with the primary site killed, so it comes last.
SCENARIOS ?= default
# Your own clouds.yaml, and the variables file of your application, for the scenario "own_clouds".
CLOUDS ?= $(LAB_DIR)/clouds.yaml
VARIABLES ?= tests/lab/own-clouds.yml
# How often the controller is killed in mid-freeze.
KILLS ?= 3

controller := $(LAB_DIR)/venvs/controller
tools := tests/tools
bench_path = $(ANSIBLE_COLLECTIONS_PATH):tests/functional
# The default, or what a campaign takes unless it is told otherwise.
campaign = $(if $(filter file,$(origin $(1))),$(2),$($(1)))
lab := ansible-playbook --extra-vars lab_dir=$(LAB_DIR)

export PATH := $(controller)/bin:$(PATH)
export OSDR_LAB_DIR := $(LAB_DIR)
export OS_CLIENT_CONFIG_FILE := $(abspath $(CLOUDS))
export OSDR_VARIABLES := $(abspath $(VARIABLES))
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.build/collections

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-24s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.DEFAULT_GOAL := help

.PHONY: controller
controller: ## Prepare the controller: Debian packages, Python environment, collection link
	@/usr/bin/python3 $(tools)/controller.py $(controller)

.PHONY: lock
lock: ## Lock tests/requirements/controller.in anew
	@/usr/bin/python3 $(tools)/controller.py --lock $(controller)

.PHONY: demo
demo: lab-up ## Kill the primary site and recover the application at the remote one
	$(lab) tests/lab/demo.yml

.PHONY: test
test: controller ## Everything: lint, sanity, unit, then the lab and the proof on it
	@$(controller)/bin/python $(tools)/stages.py lint sanity unit lab-up functional hooks molecule

.PHONY: lint
lint: controller ## Style, documentation, licences, changelog
	ansible-lint --offline
	ruff check --quiet
	antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs self .
	antsibull-changelog lint
	reuse lint --lines

.PHONY: sanity
sanity: controller ## ansible-test sanity, without an ignore file
	@$(controller)/bin/python $(tools)/sanity.py

.PHONY: unit
unit: controller ## Unit tests
	pytest --numprocesses auto

.PHONY: functional
functional: controller ## On the running lab: freezing, snapshots, groups, what dies in the window (KILLS=3 ROUNDS=3 SEED=1)
	pytest tests/functional -m "not campaign" --kills=$(KILLS) --rounds=$(ROUNDS) --seed=$(SEED)

.PHONY: hooks
hooks: controller ## On the running lab: the freeze hooks in database guests
	$(lab) tests/lab/hooks.yml

.PHONY: molecule
molecule: controller ## The proof, on the running lab, under load: checkpoint, site killed, restore, checker; or other scenarios (SCENARIOS=default)
	@$(controller)/bin/python $(tools)/scenario.py $(SCENARIOS)

.PHONY: bench
bench: lab-up ## What the collection adds to the freeze of a group and to its snapshots, what copying costs, as ratios, and what the check before a restore takes
	$(lab) tests/lab/shop.yml
	PYTHONPATH=$(bench_path) $(controller)/bin/python tests/bench/freeze.py
	PYTHONPATH=$(bench_path) $(controller)/bin/python tests/bench/window.py
	PYTHONPATH=$(bench_path) $(controller)/bin/python tests/bench/replication.py
	PYTHONPATH=$(bench_path) $(controller)/bin/python tests/bench/preflight.py

.PHONY: soak
soak: lab-up ## Long campaigns on the lab (SEED=1 ROUNDS=30 KILLS=51)
	@$(controller)/bin/python $(tools)/scenario.py drill failback partial_failure
	$(lab) tests/lab/shop.yml
	@$(controller)/bin/python $(tools)/scenario.py own_clouds
	pytest tests/functional -m campaign
	pytest tests/functional/test_consistency.py tests/functional/test_kills.py tests/functional/test_fleet.py \
		tests/functional/test_replication.py::test_killed_at_any_moment_it_can_be_finished \
		tests/functional/test_replication.py::test_killed_in_any_step_it_can_be_finished --capture=no \
		--rounds=$(call campaign,ROUNDS,30) --kills=$(call campaign,KILLS,51) --fleet=10 --seed=$(SEED)

.PHONY: lab-up
lab-up: controller ## Bring both sites up
	$(lab) tests/lab/up.yml

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
