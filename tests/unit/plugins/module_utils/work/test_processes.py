# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that are started."""

from __future__ import annotations

import subprocess
import sys

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.work.processes import Answer, answer_of, start


def said(code, *arguments, **options):
    with start([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, **options) as process:
        return process.stdout.read().decode().strip()


def test_a_program_leads_a_session_of_its_own():
    assert said("import os; print(os.getsid(0) == os.getpid())") == "True"


def test_no_shell_reads_its_arguments():
    assert said("import sys; print(sys.argv[1:])", "$HOME", "; id") == "['$HOME', '; id']"


def test_its_environment_is_the_one_that_is_given():
    assert said("import os; print(os.environ['OF_ITS_OWN'], 'HOME' in os.environ)", env={"OF_ITS_OWN": "yes"}) == "yes False"


def test_a_program_that_is_not_there_is_an_error():
    with pytest.raises(FileNotFoundError):
        start(["/no/such/program"])


def run(code, seconds=60):
    return answer_of([sys.executable, "-c", code], seconds)


def test_what_a_program_says_and_how_it_ends_is_told():
    assert run("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)") == Answer(3, b"out\n", b"err\n")


def test_a_program_whose_time_is_over_is_killed_with_what_it_has_started():
    assert run("import subprocess, time; subprocess.Popen(['sleep', '600']); time.sleep(600)", seconds=0.2).status is None


def test_what_is_no_program_is_told():
    with pytest.raises(OSError, match="No such file"):
        answer_of(["/no/such/program"], 1)
