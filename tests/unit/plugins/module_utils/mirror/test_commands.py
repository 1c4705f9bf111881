# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.osdr.openstack.plugins.module_utils.mirror.access import RbdAccess
from ansible_collections.osdr.openstack.plugins.module_utils.mirror.commands import Rbd, RbdError
from ansible_collections.osdr.openstack.plugins.module_utils.mirror.options import MirrorOptions
from ansible_collections.osdr.openstack.plugins.module_utils.work.processes import Answer

GIVEN = {"pool": "volumes", "user": "dr", "host": None, "conf": None, "keyring": None}


def parsed(**changes):
    return RbdAccess.parse("storage", {**GIVEN, **changes})


def test_on_this_machine_rbd_is_run_as_the_user():
    assert parsed().command(["ls", "volumes"]) == ["rbd", "--id", "dr", "ls", "volumes"]


def test_configuration_and_key_are_given_where_they_are_not_the_usual_ones():
    command = parsed(conf="/etc/ceph/b.conf", keyring="/etc/ceph/b.keyring").command(["ls"])
    assert command == ["rbd", "--conf", "/etc/ceph/b.conf", "--keyring", "/etc/ceph/b.keyring", "--id", "dr", "ls"]


def test_on_another_host_it_is_run_by_ssh_which_asks_nobody():
    command = parsed(host="dr@ceph1.example.org").command(["snap", "create", "volumes/a@b c"])
    assert command[:6] == ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=15", "--"]
    assert command[6:] == ["dr@ceph1.example.org", "rbd --id dr snap create 'volumes/a@b c'"]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("pool", one) for one in ("", "--pool", "a b", "a/b", "a@b", "a;b", "$(a)", "a\nb", "ä")),
        *(("user", one) for one in ("", "-u", "a b", "client admin")),
        *(("host", one) for one in ("-oProxyCommand=id", "a b", "a;id", "x@-h", "@h", "a@b@c", "fe80::1%eth0", "h:22")),
        *(("conf", one) for one in ("ceph.conf", "/etc/ceph conf", "/etc/$HOME", "-c")),
        *(("keyring", one) for one in ("keyring", "/a;b")),
    ],
)
def test_what_could_mean_something_else_on_a_command_line_is_refused_by_name(option, value):
    with pytest.raises(InvalidInput, match=rf"^This cannot be used in a command: storage\.{option}"):
        parsed(**{option: value})


def test_the_options_are_those_of_both_sites():
    storage = {**GIVEN, "backend": "h@a#p", "volume_type": None}
    remote = {**GIVEN, "backend": "h@b#p", "volume_type": None, "pool": "rest"}
    options = MirrorOptions.parse({"storage": storage, "remote_storage": remote})
    assert options == MirrorOptions(RbdAccess("volumes", "dr"), RbdAccess("rest", "dr"), "h@b#p", "")
    with pytest.raises(InvalidInput, match=r"remote_storage\.pool"):
        MirrorOptions.parse({"storage": storage, "remote_storage": {**remote, "pool": "a b"}})


def answering(answer, **changes):
    return Rbd(parsed(**changes), "primary", lambda command, seconds: answer)


@pytest.mark.parametrize(
    ("answer", "changes", "says", "status"),
    [
        (Answer(2, b"", b"2026 log\nrbd: error opening image x\n"), {}, "'rbd ls' at site 'primary' failed (2): rbd: error opening image x.", 2),
        (Answer(1, b"", b""), {}, "failed (1): nothing was said.", 1),
        (Answer(None, b"", b""), {}, "did not end within 120 s", None),
        (Answer(255, b"", b"Permission denied (publickey)."), {"host": "h"}, "host h cannot be reached by SSH: Permission denied (publickey).", 255),
    ],
)
def test_a_failure_says_what_failed_where_and_why(answer, changes, says, status):
    with pytest.raises(RbdError) as raised:
        answering(answer, **changes).do("ls")
    assert says in str(raised.value)
    assert raised.value.status == status


def test_where_rbd_is_missing_that_is_told():
    def run(_command, _seconds):
        raise FileNotFoundError(2, "No such file or directory")

    with pytest.raises(RbdError, match=r"cannot be run: No such file or directory\. Check that the controller has Ceph's command line tools"):
        Rbd(parsed(), "primary", run).do("ls")


def test_an_answer_is_read_as_data():
    assert answering(Answer(0, b'["a"]', b"warning")).ask("ls") == ["a"]
