# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard's script, as far as it can be looked at outside a guest."""

from __future__ import annotations

import subprocess

from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.guest_guard import arm_command, disarm_command, has_fired


def test_the_scripts_are_valid_shell():
    for command in (arm_command("token", 60), disarm_command()):
        assert subprocess.run(["/bin/sh", "-n", "-c", command[2]], check=False).returncode == 0


def test_token_and_seconds_are_arguments_and_not_part_of_the_script():
    command = arm_command("$(reboot)", 60)
    assert "reboot" not in command[2]
    assert command[3:] == ["osdr-guard", "$(reboot)", "60"]


def test_only_the_plain_word_means_fired():
    assert has_fired("fired\n")
    assert not has_fired("quiet\n")
