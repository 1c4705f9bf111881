# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which test runs a command that the documents name, as a file and what is in it. What stands in no list fails a test.

Commands that take clouds are run on the lab: by scenarios (``extensions/molecule``), by functional tests, or by what ``make`` plays there.
"""

from __future__ import annotations

#: Per playbook of the collection.
PLAYBOOKS = {
    "active_site": ("tests/functional/test_catalogue.py", 'playbook("active_site"'),
    "catalogue_rebuild": ("tests/functional/test_catalogue.py", 'playbook("catalogue_rebuild"'),
    "changes": ("tests/functional/test_catalogue.py", 'playbook("changes"'),
    "checkpoint": ("tests/functional/test_permissions.py", 'playbook("checkpoint"'),
    "cleanup": ("tests/functional/test_drill.py", 'playbook("cleanup"'),
    "drill": ("extensions/molecule/drill/converge.yml", "osdr.openstack.drill"),
    "failback": ("extensions/molecule/failback/converge.yml", "story_playbook: failback"),
    "failover": ("extensions/molecule/failback/converge.yml", "story_playbook: failover"),
    "fence": ("tests/functional/test_guides.py", 'playbook("fence"'),
    "mapping": ("tests/functional/test_mapping.py", 'playbook("mapping"'),
    "prune": ("tests/functional/test_permissions.py", 'playbook("prune"'),
    "reprotect": ("tests/functional/test_site_run.py", 'started("reprotect"'),
    "restore": ("tests/functional/test_mapping.py", 'playbook("restore"'),
    "restore_volume": ("tests/functional/test_in_place.py", 'played("restore_volume"'),
    "roll_back": ("tests/functional/test_in_place.py", 'played("roll_back"'),
    "roll_back_accept": ("tests/functional/test_in_place.py", 'played("roll_back_accept"'),
    "roll_back_undo": ("tests/functional/test_in_place.py", 'played("roll_back_undo"'),
    "rpo": ("tests/functional/test_catalogue.py", 'playbook("rpo"'),
    "site_drill": ("tests/functional/test_site_run.py", 'started("site_drill"'),
    "site_failover": ("tests/functional/test_site_run.py", 'started("site_failover"'),
    "site_checkpoint": ("tests/functional/test_site_run.py", 'started("site_checkpoint"'),
    "site_restore": ("tests/functional/test_site_run.py", 'started("site_restore"'),
    "site_check": ("tests/functional/test_site_check.py", 'playbook("site_check"'),
    "site_status": ("tests/functional/test_site_status.py", 'playbook("site_status"'),
    "thaw": ("tests/functional/test_guides.py", 'playbook("thaw"'),
}

#: Other commands, by how they begin.
OTHERS = {
    "/var/lib/osdr-lab/venvs/openstack/bin/openstack --os-cloud primary server list": ("tests/functional/test_guides.py", '"server", "list"'),
    "/var/lib/osdr-lab/venvs/openstack/bin/supervisorctl -c": ("tests/functional/laboratory.py", "venvs/openstack/bin/supervisorctl"),
    "ansible-builder build": ("tests/artifact/test_execution_environment.py", '"ansible-builder", "create"'),
    "ansible-inventory -i north.applications.yml": ("tests/plays/test_site_inventory.py", '"ansible-inventory", "--list"'),
    "ansible-test integration": ("tests/tools/integration.py", '"integration"'),
    "ansible-test sanity": ("tests/tools/sanity.py", '"sanity"'),
    "ceph config set mon paxos_propose_interval": ("tests/bench/window.py", "paxos_propose_interval"),
    "curl -s -H X-Auth-Token:": ("tests/functional/laboratory.py", "/os-quiesce"),
    "curl -s -X POST -H Content-Type: application/json -H X-Auth-Token:": ("tests/functional/test_nova_quiesce_api.py", "force=True"),
    "openstack --os-cloud primary application credential create": ("tests/functional/test_permissions.py", "create_application_credential("),
    "openstack --os-cloud remote application credential create": ("tests/functional/test_permissions.py", "create_application_credential("),
    "openstack --os-cloud primary server show": ("tests/functional/laboratory.py", "find_server("),
    "openstack image create": ("tests/bench/images.py", "--os-cloud remote image create"),
    "openstack image save": ("tests/bench/images.py", "--os-cloud primary image save"),
    "openstack role add": ("tests/functional/test_permissions.py", "assign_project_role_to_user("),
    "openstack role create disaster_recovery": ("tests/functional/test_permissions.py", "create_role("),
    "openstack volume service list": ("tests/functional/laboratory.py", 'block_storage.services(binary="cinder-backup")'),
    "openstack user create": ("tests/functional/test_permissions.py", "create_user("),
    "pip install -r requirements.txt": ("tests/requirements/bare.in", "-r ../../requirements.txt"),
    "pip install -r tests/lab/requirements/openstack-2026.2.txt": ("tests/lab/roles/openstack_venv/tasks/environment.yml", "pip"),
    "python tests/bench/handing.py": ("Makefile", "tests/bench/handing.py"),
    "python tests/bench/inventory.py": ("Makefile", "tests/bench/inventory.py"),
    "python tests/bench/overlap.py": ("Makefile", "tests/bench/overlap.py"),
    "python tests/bench/replication.py": ("Makefile", "tests/bench/replication.py"),
    "python tests/bench/scale.py": ("Makefile", "tests/bench/scale.py"),
    "python tests/bench/status.py": ("Makefile", "tests/bench/status.py"),
    "python3 tests/lab/site_exec.py primary ceph status": ("tests/functional/laboratory.py", "tests/lab/site_exec.py"),
    "virsh --connect qemu+tcp://primary/system list": ("tests/functional/test_guides.py", '"virsh", "--connect"'),
}

#: What is for clouds that are no lab, or for a machine of the reader's, with the reason.
FOR_THE_READER = {
    ". dr/bin/activate": "changes the reader's shell; the tests have an environment of their own",
    "ansible-galaxy collection install awx.awx": "takes it from a server of others; the tests have it from the controller's environment",
    "ansible-galaxy collection install osdr.openstack": "takes it from a server of others",
    "ansible-galaxy collection publish": "gives it to everybody, and cannot be taken back",
    "cp tests/integration/integration_config.yml.template": "the file is to be filled in",
    "export OS_CLIENT_CONFIG_FILE=": "changes the reader's shell",
    "nova-manage image_property set SERVER-ID --property hw_qemu_guest_agent=yes": "for servers that exist; those of the lab are built with the property",
    "openstack image set --property hw_qemu_guest_agent=yes debian-12": "the lab makes its images with the property",
    "openstack server set --property dr:application=": "marks servers of the reader's; the tests mark those of a site in memory",
    "openstack server set --tag dr:application=": "marks servers of the reader's; the tests mark those of a site in memory",
    "openstack volume set --image-property hw_qemu_guest_agent=yes orders-db-root": "the lab makes its volumes of images with the property",
    "openstack volume set --state in-use": "mends what Cinder alone can do to a volume, and nothing of the collection's",
    "python3 -m venv dr": "the tests have an environment of their own",
    "systemctl status qemu-guest-agent": "guests of the lab have no systemd",
}

#: Targets of the Makefile beside the stages of "make test".
TARGETS = {
    "artifact": ("Makefile", "$(stages) version lint matrix artifact"),
    "attack": ("Makefile", "--no-print-directory attack N="),
    "checks": ("Makefile", "lab-up+unit functional+$(short)+hooks+$(long)"),
    "controller": ("Makefile", "test: controller"),
    "flaky": ("Makefile", "soak-campaigns flaky releases"),
    "help": ("tests/docs/test_commands.py", '"help"'),
    "integration": ("Makefile", "integration CONFIG=tests/lab/integration_config.yml"),
    "lab-kill": ("extensions/molecule/default/converge.yml", "tests/lab/kill.yml"),
    "lab-status": ("tests/functional/test_guides.py", '"lab-status"'),
    "mutants": ("Makefile", "mutants+soak-attack"),
    "releases": ("Makefile", "soak-campaigns flaky releases"),
    "test": (".ci/run", " test"),
    "version": ("tests/tools/tests/test_version.py", "version.begin("),
}

#: Those that people start, with the reason why no test does.
BY_HAND = {
    "bench": "measures, and judges nothing",
    "demo": "for the eyes: the scenario default goes the same way and looks closer",
    "lab-down": "takes the lab away from all other tests",
    "lab-restart": "needs a site that was killed, which is then of no use to tests that follow",
    "lock": "changes versions, which a person commits",
    "matrix": "takes sanity and unit tests once for each ansible-core; a release goes through it",
    "pre-commit": "changes what git does in a checkout",
    "release": "wants a version that has begun, which a person decides",
    "release-demo": "the demo again, with what is released",
    "soak": "is the longest of all tests",
}
