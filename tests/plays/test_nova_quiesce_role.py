# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Installing the quiesce API on hosts as packages, OpenStack-Ansible and Kolla-Ansible make them; a real Nova is in tests/functional."""

from __future__ import annotations

import shutil
import stat

import pytest
from ansible_collections.osdr.openstack.tests.plays.nova_hosts import layouts

FILTER = (layouts.ROLE / "files/nova_quiesce_api.py").read_text()
SECTION = "[filter:nova_quiesce_api]\npaste.filter_factory = nova_quiesce_api:filter_factory\n\n[filter:keystonecontext]\n"
#: Tasks that change something, in their order.
PUT, USE, DUE = "Put the filter where Nova's Python finds it", "Use it", "Remember that a restart is due"
UNIT, DIRECTORY = "Restart the unit of the compute API", "Make the directory that the container mounts"
#: In the container, by a name that stays when Python is upgraded.
MODULE = f"{layouts.KOLLA}/lib/python3/site-packages/nova_quiesce_api.py"
PASTE = "/etc/nova/api-paste.ini"


def with_filter(paste):
    """The same file, by hand."""
    by_hand = paste.replace(" keystonecontext ", " keystonecontext nova_quiesce_api ").replace("[filter:keystonecontext]\n", SECTION)
    assert by_hand.count("keystonecontext nova_quiesce_api") == 2
    return by_hand


@pytest.fixture
def host(tmp_path):
    return layouts.Packages(tmp_path)


@pytest.fixture
def kolla(tmp_path):
    return layouts.KollaAnsible(tmp_path)


@pytest.fixture
def newer(tmp_path):
    """The role with a filter of tomorrow."""
    role = tmp_path / "nova_quiesce_api"
    shutil.copytree(layouts.ROLE, role)
    with (role / "files/nova_quiesce_api.py").open("a") as file:
        file.write("# Newer.\n")
    return role


def changes(played):
    """What a run changed, which must have succeeded."""
    assert played.passed, played.said
    return played.changes


# Packages, and what holds everywhere


def test_it_is_installed_upgraded_and_removed_and_check_mode_tells_before(host, newer):
    filter_ = host.modules / "nova_quiesce_api.py"
    assert changes(host.play("--check")) == [PUT, USE, DUE, UNIT]
    assert (host.paste.read_text(), host.restarts, filter_.exists()) == (layouts.OLD, [], False)
    assert changes(host.play()) == [PUT, USE, DUE, UNIT]
    assert (host.paste.read_text(), filter_.read_text()) == (with_filter(layouts.OLD), FILTER)
    assert stat.S_IMODE(host.paste.stat().st_mode) == 0o640
    assert host.restarts == [["systemctl", "restart", "nova-api"]]
    assert changes(host.play()) == []
    assert changes(host.play(role=newer)) == [PUT, DUE, UNIT]
    assert filter_.read_text() == FILTER + "# Newer.\n"
    removing = changes(host.play("--check", state="absent"))
    assert filter_.exists()
    assert changes(host.play(state="absent")) == removing == ["Use the filter no more", "Remove it", DUE, UNIT]
    assert (host.paste.read_text(), filter_.exists(), len(host.restarts)) == (layouts.OLD, False, 3)
    assert changes(host.play(state="absent")) == []
    assert len(host.restarts) == 3


def test_what_cannot_work_is_refused_before_anything_is_changed(host):
    strange = host.at("/etc/nova/strange.ini")
    strange.write_text(layouts.OLD.replace("keystonecontext osapi", "mycontext osapi"))
    (layouts.make_nova(host.at("/ancient")) / "oslo_policy/__init__.py").write_text("raise ImportError('no policy')\n")
    nowhere = host.at("/nowhere")
    given = {
        "strange": {"nova_quiesce_api_paste_file": str(strange)},
        "unreadable": {"nova_quiesce_api_paste_file": f"{nowhere}/api-paste.ini"},
        "nova_missing": {"nova_quiesce_api_python": layouts.sys.executable},
        "python_missing": {"nova_quiesce_api_python": f"{nowhere}/python"},
        "ancient": {"nova_quiesce_api_python": str(host.at("/ancient/bin/python"))},
        "unit": {"nova_quiesce_api_service": "nova-apis"},
        "touch": {"nova_quiesce_api_touch_reload": f"{nowhere}/nova-api.ini"},
        "container": {"nova_quiesce_api_container": "nova_api"},
        "engine": {"nova_quiesce_api_container": "nova_api", "nova_quiesce_api_container_engine": "podman"},
    }
    played = host.play_on(given)
    assert (played.passed, played.changes, host.restarts) == (False, [], [])
    assert (host.paste.read_text(), list(host.root.rglob("nova_quiesce_api.py"))) == (layouts.OLD, [])
    for said in (
        "strange.ini on strange is not understood and was left alone",
        f"{nowhere}/api-paste.ini on unreadable cannot be read: FileNotFoundError",
        "on nova_missing does not find Nova (There is no module nova.)",
        f"{nowhere}/python on python_missing does not find Nova",
        "on ancient finds, and nothing was changed: ImportError: no policy.",
        "systemd on unit has no unit nova-apis (not-found).",
        f"There is no {nowhere}/nova-api.ini on touch.",
        "container has no container nova_api (Error response from daemon: No such container: nova_api).",
        "engine has no container nova_api (Error: no such container nova_api).",
    ):
        assert said in played.said


def test_a_restart_that_failed_is_made_up_by_the_next_run(host):
    host.change(broken=True)
    played = host.play()
    assert not played.passed
    assert "Job for nova-api.service failed" in played.said
    host.change(broken=False)
    assert host.restarts == []
    assert changes(host.play("--check")) == changes(host.play()) == ["Make it up", UNIT]
    assert host.restarts == [["systemctl", "restart", "nova-api"]]
    assert changes(host.play()) == []


def test_each_way_to_restart_is_used(tmp_path):
    """uWSGI that watches a file, any command, and nothing."""
    hosts = {name: layouts.Packages(tmp_path / name) for name in ("touch", "command", "nothing")}
    watched, told = tmp_path / "nova-api.ini", tmp_path / "told"
    watched.write_text("[uwsgi]\n")
    layouts.os.utime(watched, (0, 0))
    # A link to what a distribution ships stays one.
    link = hosts["nothing"].paste
    link.symlink_to(link.rename(tmp_path / "dist-paste.ini"))
    ways = {
        "touch": {"nova_quiesce_api_touch_reload": str(watched)},
        "command": {"nova_quiesce_api_restart_command": ["touch", str(told)]},
        "nothing": {"nova_quiesce_api_service": ""},
    }
    played = hosts["nothing"].play_on({name: {**host.variables, **ways[name]} for name, host in hosts.items()})
    assert changes(played)[-3:] == [DUE, "Make uWSGI load the compute API again", "Run the command that restarts the compute API"]
    assert (watched.stat().st_mtime > 0, watched.read_text(), told.exists()) == (True, "[uwsgi]\n", True)
    assert hosts["nothing"].restarts == []
    assert (link.is_symlink(), link.read_text()) == (True, with_filter(layouts.OLD))


# OpenStack-Ansible


def test_openstack_ansible_may_write_the_file_anew_and_a_new_version_is_noticed(tmp_path):
    host = layouts.OpenStackAnsible(tmp_path)
    assert changes(host.play()) == [PUT, USE, DUE, UNIT]
    assert host.restarts == [["systemctl", "restart", "nova-api-os-compute"]]
    # The same version again: its own words for what the role wrote.
    host.install_again()
    rewritten = host.paste.read_text()
    assert (rewritten != with_filter(layouts.OLD), SECTION in rewritten) == (True, True)
    assert changes(host.play("--check")) == []
    before = host.modules / "nova_quiesce_api.py"
    host.install("32.0.0", layouts.NEW)
    assert changes(host.play("--check")) == changes(host.play()) == [PUT, USE, DUE, UNIT]
    assert (host.paste.read_text(), host.at("/etc/nova").is_symlink()) == (with_filter(layouts.NEW), True)
    # The old version stays whole, for a way back.
    assert before.exists()
    assert (before.parents[3] / "etc/nova/api-paste.ini").read_text() == rewritten
    host.install_again()
    changes(host.play(state="absent"))
    assert "nova_quiesce_api" not in host.paste.read_text()
    assert not (host.modules / "nova_quiesce_api.py").exists()


# Kolla-Ansible


def test_kolla_ansible_mounts_what_the_role_writes(kolla, newer):
    volumes = [f"{kolla.filter}:{MODULE}:ro", f"{kolla.paste}:{PASTE}:ro"]
    said = f'Add "{volumes[0]}" and "{volumes[1]}" to nova_api_extra_volumes'
    assert changes(kolla.play("--check")) == [DIRECTORY]
    assert not kolla.paste.parent.exists()
    played = kolla.play()
    # Nothing to restart: nothing mounts it.
    assert (changes(played), kolla.restarts, said in played.said) == ([DIRECTORY, PUT, USE], [], True)
    assert (kolla.seen(PASTE), kolla.paste.read_text()) == (layouts.OLD, with_filter(layouts.OLD))
    assert [stat.S_IMODE(path.stat().st_mode) for path in (kolla.filter, kolla.paste)] == [0o644, 0o644]
    # Whoever did not read it.
    again = kolla.play()
    assert (again.passed, again.changes, said in again.said) == (False, [], True), again.said
    kolla.extra_volumes = volumes
    kolla.reconfigure()
    assert changes(kolla.play()) == []
    assert (kolla.seen(PASTE), kolla.seen(MODULE), kolla.restarts) == (with_filter(layouts.OLD), FILTER, [])
    # Of ours, a new version.
    assert changes(kolla.play(role=newer)) == [PUT, DUE, UNIT]
    assert kolla.restarts == [["systemctl", "restart", "kolla-nova_api-container"]]
    assert kolla.seen(MODULE) == FILTER + "# Newer.\n"


def test_what_kolla_ansible_does_later_is_found_out(kolla):
    kolla.play()
    kolla.extra_volumes = [f"{kolla.filter}:{MODULE}:ro", f"{kolla.paste}:{PASTE}:ro"]
    kolla.reconfigure()
    assert changes(kolla.play("--check")) == []
    # Somebody's globals.yml without the mounts.
    volumes, kolla.extra_volumes = kolla.extra_volumes, []
    kolla.reconfigure()
    checked = kolla.play("--check")
    assert (checked.passed, "does not mount the filter, so Nova does not use it" in checked.said) == (False, True)
    # A new release of Nova, with another file.
    kolla.extra_volumes = volumes
    kolla.build("2026.1", layouts.NEW)
    kolla.reconfigure()
    assert kolla.seen(PASTE) == with_filter(layouts.OLD)
    assert changes(kolla.play("--check")) == changes(kolla.play()) == [USE, DUE, UNIT]
    assert kolla.seen(PASTE) == with_filter(layouts.NEW)


def test_it_is_removed_from_under_kolla_ansible_in_two_steps(kolla):
    kolla.play()
    kolla.extra_volumes = [f"{kolla.filter}:{MODULE}:ro", f"{kolla.paste}:{PASTE}:ro"]
    kolla.reconfigure()
    # What is mounted stays: the container could not start without it.
    played = kolla.play(state="absent")
    assert (changes(played), "take" in played.said and "out of nova_api_extra_volumes" in played.said) == (["Use the filter no more", DUE, UNIT], True)
    assert (kolla.seen(PASTE), kolla.seen(MODULE)) == (layouts.OLD, FILTER)
    assert changes(kolla.play(state="absent")) == []
    kolla.extra_volumes = []
    kolla.reconfigure()
    assert changes(kolla.play("--check", state="absent")) == ["Remove it"]
    assert changes(kolla.play(state="absent")) == ["Remove it", "Remove the directory if nothing else is there"]
    assert not kolla.paste.parent.exists()
    assert changes(kolla.play(state="absent")) == []


def test_mounts_that_were_there_before_the_files_are_mended(kolla):
    kolla.extra_volumes = [f"{kolla.filter}:{MODULE}:ro", f"{kolla.paste}:{PASTE}:ro"]
    kolla.reconfigure()
    assert (kolla.paste.is_dir(), kolla.filter.is_dir()) == (True, True)
    assert changes(kolla.play("--check"))[:1] == ["Remove directories in the place of the files"]
    assert changes(kolla.play()) == ["Remove directories in the place of the files", PUT, USE, DUE, UNIT]
    assert (kolla.seen(PASTE), kolla.seen(MODULE)) == (with_filter(layouts.OLD), FILTER)


def test_podman_restarts_a_container_that_no_unit_has_and_an_old_image_has_a_longer_path(tmp_path):
    kolla = layouts.KollaAnsible(tmp_path, "podman")
    kolla.build("2024.1", layouts.OLD, steady=False)
    kolla.reconfigure()
    kolla.variables["nova_quiesce_api_restart_command"] = ["podman", "restart", "nova_api"]
    module = MODULE.replace("python3", f"python3.{layouts.sys.version_info.minor}")
    played = kolla.play()
    assert (changes(played), f"{kolla.filter}:{module}:ro" in played.said) == ([DIRECTORY, PUT, USE], True)
    kolla.extra_volumes = [f"{kolla.filter}:{module}:ro", f"{kolla.paste}:{PASTE}:ro"]
    kolla.build("2024.1-newer", layouts.NEW, steady=False)
    kolla.reconfigure()
    assert changes(kolla.play()) == [USE, DUE, "Run the command that restarts the compute API"]
    assert (kolla.restarts, kolla.seen(module), kolla.seen(PASTE)) == ([["podman", "restart", "nova_api"]], FILTER, with_filter(layouts.NEW))
