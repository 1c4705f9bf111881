# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every command that a document names can be given as it stands there, and some test runs it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys

import pytest
import yaml
from ansible.parsing.splitter import parse_kv
from ansible_collections.osdr.openstack.tests.docs import documents, interface, runs

ROOT = documents.ROOT
COLLECTION = "osdr.openstack."
PLAYED = documents.commands_of("ansible-playbook")
#: Files that commands take, and the documents that have them as an example that begins with this line. None: what is in it is up to the reader.
FILES = {
    "shop.yml": ("docs/quickstart.md", "dr_checkpoint_cloud: primary"),
    "shop-roll-back.yml": ("docs/in-place.md", "dr_roll_back_cloud:"),
    "shop-drill.yml": ("docs/drill.md", "dr_restore_drill_probe:"),
    "shop-sites.yml": ("docs/failover.md", "dr_failover_application:"),
    "shop-back.yml": ("docs/failover.md", "dr_checkpoint_cloud: remote"),
    "shop-awx.yml": ("docs/awx.md", "dr_awx_image:"),
    "north-awx.yml": ("docs/awx.md", "dr_awx_site_plan:"),
    "vaulted.yml": None,
}
#: Inventories that need clouds to be read; what is played on their hosts is checked with others.
INVENTORIES = {"north.applications.yml": yaml.safe_dump({group: {"hosts": {"shop": None}} for group in ("applications", "project_shop", "policy_gold")})}


def extra_variables(command):
    """Name and value of each variable that a command gives itself, as Ansible understands it, and the files that it takes others from."""
    given, files = {}, []
    words = iter(command.words)
    for word in words:
        if word not in ("-e", "--extra-vars"):
            continue
        value = next(words)
        if value.startswith("@"):
            files.append(value[1:])
        elif value.startswith("{"):
            given.update(json.loads(value))
        else:
            given.update(parse_kv(value))
    return given, files


def playbook_of(command):
    """Name of a playbook of the collection, else the path of another one."""
    return next(word for word in command.words[1:] if word.startswith(COLLECTION) or word.endswith(".yml")).removeprefix(COLLECTION)


def example(name):
    """The text of a file that commands take."""
    if FILES[name] is None:
        return "{}"
    document, beginning = FILES[name]
    return next(one.text for one in documents.blocks() if (one.document, one.language) == (ROOT / document, "yaml") and one.text.startswith(beginning))


def test_there_are_commands():
    """A search that finds nothing would let everything pass."""
    assert {playbook_of(one) for one in PLAYED} >= set(interface.PLAYBOOKS)
    assert len(PLAYED) > 30
    assert len(documents.commands_of("make")) > 15


@pytest.fixture(scope="module")
def failures(tmp_path_factory):
    """What ansible-playbook says to each command, with the files that it names."""
    directory = tmp_path_factory.mktemp("reader")
    for name in FILES:
        (directory / name).write_text(example(name))
    for name, text in INVENTORIES.items():
        (directory / name).write_text(text)
    # What is no playbook of the collection is played in a checkout of the repository.
    (directory / "tests").symlink_to(ROOT / "tests")
    shutil.copytree(ROOT / "awx", directory / "awx")
    calls = list(dict.fromkeys((one.place, *one.words[1:]) for one in PLAYED))
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(documents.COLLECTIONS),
        "ANSIBLE_NOCOLOR": "1",
    }
    done = subprocess.run(
        [sys.executable, ROOT / "tests/docs/syntax.py"],
        input=json.dumps([[str(directory / place), words] for place, *words in calls]),
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    said = dict(zip(calls, json.loads(done.stdout), strict=True))
    return {one: said[one.place, *one.words[1:]] for one in PLAYED}


def test_every_playbook_is_understood_with_its_options(failures):
    assert {str(one): said for one, said in failures.items() if said} == {}


@pytest.mark.parametrize("command", PLAYED, ids=str)
def test_every_variable_is_one_of_the_playbook(command):
    given, files = extra_variables(command)
    assert {os.path.normpath(os.path.join(command.place, one)) for one in files} <= set(FILES)
    name = playbook_of(command)
    if name not in interface.PLAYBOOKS:
        assert (ROOT / command.place / name).is_file() or name in FILES
        return
    assert set(given) - {"ansible_python_interpreter"} <= interface.read_by(name)
    of_roles = {key: value for key, value in given.items() if key in interface.all_options()}
    assert interface.problems(of_roles, interface.all_options(), whole=False) == []


def test_the_file_for_the_other_direction_is_the_first_one_with_the_sites_exchanged():
    there, back = (yaml.safe_load(example(name)) for name in ("shop.yml", "shop-back.yml"))
    exchanged = {"primary": "remote", "remote": "primary", "primary-admin": "remote-admin", "remote-admin": "primary-admin"}
    sites = {name: value for name, value in there.items() if name.endswith("_cloud")}
    assert len(sites) == 5
    assert back == {**there, **{name: exchanged[value] for name, value in sites.items()}}


@pytest.mark.parametrize("command", documents.commands_of("ansible-doc"), ids=str)
def test_what_is_shown_is_there(command):
    words = command.words[1:]
    if words[0] == "--list":
        assert words[1:] == ["osdr.openstack"]
    else:
        assert words[:2] == ["-t", "role"]
        assert words[2].removeprefix(COLLECTION) in interface.ROLES


def targets_named():
    return {word for one in documents.commands_of("make") for word in one.words[1:] if "=" not in word}


def test_every_target_of_make_is_there():
    listed = subprocess.run(["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert targets_named() <= set(re.findall(r"^  make ([a-z-]+)", listed, re.MULTILINE))
    variables = set(re.findall(r"\$\(([A-Z_]+)\)", (ROOT / "Makefile").read_text()))
    assert {word.split("=")[0] for one in documents.commands_of("make") for word in one.words if "=" in word} <= variables


def stages_of_make_test():
    makefile = (ROOT / "Makefile").read_text()
    steps = re.search(r'--resume="make test" --from=\$\(FROM\) (.*)$', makefile, re.MULTILINE).group(1)
    lists = dict(re.findall(r"^(long|short) := (.*)$", makefile, re.MULTILINE))
    return set(re.split(r"[+ ]", re.sub(r"\$\((\w+)\)", lambda name: lists[name[1]], steps)))


def test_every_target_of_make_is_in_a_list():
    assert targets_named() == {*runs.TARGETS, *runs.BY_HAND, *stages_of_make_test()}
    assert all(sign in (ROOT / place).read_text() for place, sign in runs.TARGETS.values())


@pytest.mark.parametrize("name", sorted(interface.PLAYBOOKS))
def test_a_test_runs_the_playbook(name):
    place, sign = runs.PLAYBOOKS[name]
    assert sign in (ROOT / place).read_text()


def test_every_other_command_is_in_a_list():
    checked = ("ansible-playbook", "ansible-doc", "make")
    others = {" ".join(one.words) for one in documents.commands() if one.words[0] not in checked}
    known = (*runs.OTHERS, *runs.FOR_THE_READER)
    # What the reader installs is compared below.
    assert {one for one in others if not one.startswith((*known, "pip install ansible-core"))} == set()
    assert {one for one in known if not any(other.startswith(one) for other in others)} == set()


@pytest.mark.parametrize("command", sorted(runs.OTHERS))
def test_a_test_runs_the_other_command(command):
    place, sign = runs.OTHERS[command]
    assert sign in (ROOT / place).read_text()


def test_what_the_reader_installs_is_what_the_collection_needs():
    wanted = {line for line in (ROOT / "requirements.txt").read_text().splitlines() if line and not line.startswith("#")}
    core = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["requires_ansible"].removesuffix(".0")
    installed = next(one.words[2:] for one in documents.commands_of("pip") if "openstacksdk" in one.text)
    assert set(installed) == wanted | {f"ansible-core{core}"}
