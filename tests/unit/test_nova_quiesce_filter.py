# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the filter of the quiesce API says at its start, with stand-ins for Nova; what it does is tested on a real one (tests/functional)."""

from __future__ import annotations

import ast
import importlib.util
import sys
import types
from pathlib import Path
from unittest import mock

import pytest

FILTER = Path(__file__).resolve().parents[2] / "roles" / "nova_quiesce_api" / "files" / "nova_quiesce_api.py"
WARNING = "OS_NOVA_DISABLE_EVENTLET_PATCHING=1"


def imported():
    """Every module that the filter imports and Python does not have itself, with those around it."""
    for node in ast.walk(ast.parse(FILTER.read_text())):
        for name in [one.name for one in node.names] if isinstance(node, ast.Import) else [node.module] if isinstance(node, ast.ImportFrom) else []:
            if name.split(".")[0] not in sys.stdlib_module_names:
                yield from (name.rsplit(".", depth)[0] for depth in range(name.count(".") + 1))


@pytest.fixture
def start(monkeypatch):
    """Starts the filter among modules that are loaded besides, and returns what it warned of."""

    def run(**loaded):
        for name in imported():
            monkeypatch.setitem(sys.modules, name, mock.MagicMock())
        for name in ("eventlet.patcher", "uwsgi", "mod_wsgi"):
            monkeypatch.delitem(sys.modules, name, raising=False)
        for name, module in loaded.items():
            monkeypatch.setitem(sys.modules, name.replace("__", "."), module)
        spec = importlib.util.spec_from_file_location("nova_quiesce_api", FILTER)
        filter_ = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, "nova_quiesce_api", filter_)
        spec.loader.exec_module(filter_)
        monkeypatch.setattr(filter_, "Sweeper", mock.Mock())
        filter_.LOG.reset_mock()
        filter_.filter_factory({})(mock.Mock())
        filter_.Sweeper.return_value.start.assert_called_once_with()
        return [call.args[0] for call in filter_.LOG.warning.call_args_list]

    return run


def patcher(*patched):
    return types.SimpleNamespace(is_monkey_patched=lambda name: name in patched)


SERVER = types.ModuleType("server")


@pytest.mark.parametrize("server", ["uwsgi", "mod_wsgi"])
def test_a_server_that_eventlet_does_not_drive_is_warned_of_eventlets_threads(start, server):
    (warning,) = start(**{server: SERVER}, eventlet__patcher=patcher("os", "thread"))
    assert WARNING in warning


def test_eventlets_own_server_and_real_threads_are_as_they_should_be(start):
    assert start(eventlet__patcher=patcher("thread")) == []
    assert start(uwsgi=SERVER, eventlet__patcher=patcher("os")) == []
    assert start(uwsgi=SERVER) == []
