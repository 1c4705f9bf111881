# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the filter of the quiesce API uses of Nova, as Nova behaves: instances in a database that knows expected states,
compute hosts with guests and their agents, and a clock that tests turn."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import datetime
import functools
import itertools
import pathlib
import sys
import types
from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest

FILTER = pathlib.Path(__file__).parents[3] / "roles/nova_quiesce_api/files/nova_quiesce_api.py"
MODULES = """
fasteners oslo_messaging webob webob.dec webob.exc nova nova.api nova.api.openstack nova.compute nova.policies
oslo_config oslo_log oslo_policy
""".split()
STATES = "ACTIVE BUILDING PAUSED SUSPENDED STOPPED RESCUED RESIZED SOFT_DELETED DELETED ERROR SHELVED SHELVED_OFFLOADED"
#: In their order, while Nova makes an image.
IMAGE_TASKS = ("image_snapshot_pending", "image_snapshot", "image_pending_upload", "image_uploading")
POWER = {"NOSTATE": 0, "RUNNING": 1, "PAUSED": 3, "SHUTDOWN": 4, "CRASHED": 6, "SUSPENDED": 7}
#: Rules that a user needs besides being an administrator.
RULE = "os_compute_api:os-quiesce:"
#: One of those that Nova's other rules refer to.
BASE_RULE = SimpleNamespace(name="context_is_admin", check_str="role:admin")

AWAY = "Error from libvirt while quiescing instance-1: [Error Code 86] Guest agent is not responding: QEMU guest agent is not connected"
STOOD = "Error from libvirt while quiescing instance-1: [Error Code 55] Requested operation is not valid: domain is not running"
FROZEN = "Error from libvirt while quiescing instance-1: [Error Code 1] The command guest-fsfreeze-freeze has been disabled: the agent is in frozen state"
BROKEN = "Error from libvirt while quiescing instance-1: [Error Code 1] hook has failed with status 1"


class NovaException(Exception):
    def format_message(self):
        return str(self)


class UnexpectedTaskStateError(NovaException):
    """Its message names all three, as Nova's does."""

    def __init__(self, *, instance_uuid, expected, actual):
        super().__init__(f"Conflict updating instance {instance_uuid}. Expected: {expected}. Actual: {actual}")


@dataclasses.dataclass
class DocumentedRuleDefault:
    """What oslo.policy does not do without."""

    name: str
    check_str: str
    description: str
    operations: list[dict[str, str]]
    scope_types: list[str] | None = None


class InstanceNotFound(NovaException):
    pass


class ComputeHostNotFound(NovaException):
    pass


class Unanswered(Exception):
    """oslo.messaging's timeout."""


class Refused(Exception):
    """What a compute host raised that this process does not know."""

    def __init__(self, value):
        super().__init__(value)
        self.value = value


class InvalidScope(Exception):
    pass


class HTTPError(Exception):
    def __init__(self, explanation="", headers=None):
        super().__init__(explanation)
        self.explanation, self.headers = explanation, headers


class Clock:
    def __init__(self):
        self.time = datetime.datetime(2026, 11, 29, 12, tzinfo=datetime.UTC)

    def now(self):
        return self.time

    def turn(self, seconds):
        self.time += datetime.timedelta(seconds=seconds)


class Guest:
    """A guest and its agent.

    :param fails_with: what libvirt says instead; an exception is raised as it is.
    """

    def __init__(self):
        self.is_frozen, self.fails_with, self.hangs, self.calls, self.freezes = False, None, False, [], 0

    def ask(self, method, seconds):
        self.calls.append((method, seconds))
        if self.hangs:
            raise Unanswered
        if self.fails_with:
            raise self.fails_with if isinstance(self.fails_with, Exception) else NovaException(self.fails_with)
        if method == "quiesce_instance" and self.is_frozen:
            raise NovaException(FROZEN)
        self.freezes += method == "quiesce_instance"
        self.is_frozen = method == "quiesce_instance"

    @property
    def asked(self):
        return [method.partition("_")[0] for method, _seconds in self.calls]


class Row(SimpleNamespace):
    """An instance in the database."""


def _copied(source, columns):
    """Columns of an instance, or of its row; what can be changed in place is a dictionary of texts."""
    values = {column: getattr(source, column) for column in columns}
    return {column: value.copy() if isinstance(value, dict) else value for column, value in values.items()}


class Instance:
    """One reader's copy of a row, saved column by column."""

    COLUMNS = ("uuid", "host", "project_id", "user_id", "vm_state", "task_state", "power_state", "locked", "updated_at", "system_metadata")

    def __init__(self, deployment, row):
        self._deployment, self._row, self._context = deployment, row, None
        self.refresh()

    def refresh(self):
        if self._row.uuid not in self._deployment.rows:
            raise InstanceNotFound(f"Instance {self._row.uuid} could not be found.")
        vars(self).update(_copied(self._row, self.COLUMNS))
        self._seen = _copied(self, self.COLUMNS)

    def save(self, expected_vm_state=None, expected_task_state=None):
        if self._row.uuid not in self._deployment.rows:
            raise InstanceNotFound(f"Instance {self._row.uuid} could not be found.")
        for column, expected in (("vm_state", expected_vm_state), ("task_state", expected_task_state)):
            if expected is not None and getattr(self._row, column) not in expected:
                raise UnexpectedTaskStateError(instance_uuid=self.uuid, expected=expected, actual=getattr(self._row, column))
        self._deployment.on_save(self)
        changed = [column for column in self.COLUMNS if getattr(self, column) != self._seen[column]]
        vars(self._row).update(_copied(self, changed))
        self._row.updated_at = self._deployment.clock.now()
        self._seen = _copied(self, self.COLUMNS)

    @contextlib.contextmanager
    def obj_alternate_context(self, context):
        before, self._context = self._context, context
        try:
            yield
        finally:
            self._context = before


class Cell:
    def __init__(self, identity, uuid=None):
        self.identity, self.uuid, self.database = identity, uuid or identity, f"db-{identity}"

    def is_cell0(self):
        return self.identity == "cell0"


class Deployment:
    """Nova's databases and compute hosts."""

    def __init__(self):
        self.clock, self.rows, self.guests, self.cells = Clock(), {}, {}, [Cell("cell0"), Cell("cell1")]
        self.cell_of, self.broken, self.down = {}, {}, set()
        self.actions, self.events, self.log, self.finished, self.reported = [], {}, [], [], []
        self.on_save = lambda instance: None
        self.versions = ("6.0", "5.0")
        self.sent = []
        #: What tells the filter the time where no test turns the clock.
        self.own_now = None

    def server(self, uuid="id-db", vm_state="active", cell="cell1", **columns):
        values = {"task_state": None, "power_state": POWER["RUNNING"], "host": "compute1", "project_id": "shop", "user_id": "owner", "locked": False}
        self.rows[uuid] = Row(uuid=uuid, vm_state=vm_state, system_metadata={"image_os": "linux"}, updated_at=self.clock.now(), **{**values, **columns})
        self.guests[uuid], self.cell_of[uuid] = Guest(), cell
        return self.rows[uuid]

    def instance(self, uuid="id-db"):
        if uuid not in self.rows:
            raise InstanceNotFound(f"Instance {uuid} could not be found.")
        return Instance(self, self.rows[uuid])

    def restarts(self, event="compute_reboot_instance", uuid="id-db", result="Success"):
        """Note in the log of a server what was done with it now."""
        action = SimpleNamespace(id=len(self.actions) + 1, instance_uuid=uuid, updated_at=self.clock.now())
        self.actions.append(action)
        self.events[action.id] = [SimpleNamespace(event=event, result=result, start_time=self.clock.now())]

    # What the filter calls -------------------------------------------------------------------

    def find(self, context, filters, expected_attrs):
        database = context.db_connection
        if database in self.broken:
            raise self.broken[database]
        assert expected_attrs == ["system_metadata"]
        assert (filters["deleted"], filters["soft_deleted"]) == (False, True)
        return [Instance(self, row) for row in self.rows.values() if f"db-{self.cell_of[row.uuid]}" == database and self._fits(row, filters)]

    @staticmethod
    def _fits(row, filters):
        if "system_metadata" in filters:
            return filters["system_metadata"].items() <= row.system_metadata.items()
        return row.task_state in filters["task_state"]

    def actions_of(self, context, uuid, filters):
        return [one for one in self.actions if one.instance_uuid == uuid and one.updated_at >= filters["changes-since"]]

    def start_action(self, context, uuid, action, want_result):
        # Whoever wants the result has Nova read it from the database once more.
        assert want_result is False
        self.log.append((uuid, action, context.project_id))

    def finish_action(self, context, uuid, want_result):
        assert want_result is False
        self.finished.append((uuid, context.project_id))

    @contextlib.contextmanager
    def report(self, context, event, host, uuid):
        """Note an event of an action, with what ended it."""
        failure = None
        try:
            yield
        except Exception as error:
            failure = type(error).__name__
            raise
        finally:
            self.reported.append((event, host, uuid, failure))

    def get(self, context, uuid, expected_attrs):
        context.cell_uuid = self.cell_of.get(uuid)
        return self.instance(uuid)

    def service(self, context, host):
        if host == "gone":
            raise ComputeHostNotFound
        return host

    def client(self, context):
        return SimpleNamespace(can_send_version=lambda version: version in self.versions, prepare=self._prepare)

    def _prepare(self, server, version, timeout):
        def call(context, method, instance, **arguments):
            self.sent.append((method, server, version, timeout, arguments))
            self.guests[instance.uuid].ask(method, timeout)

        return SimpleNamespace(call=call)


class Context:
    """Of a request."""

    _ids = itertools.count(1)

    def __init__(self, user_id="admin", is_admin=True, rules=()):
        self.user_id, self.project_id, self.is_admin, self.rules = user_id, "operators", is_admin, rules
        self.request_id = f"req-{next(self._ids)}"
        self.db_connection = self.mq_connection = self.cell_uuid = None


class Enforcer:
    def __init__(self, conf):
        self.defaults = []

    def register_defaults(self, rules):
        self.defaults += rules

    @staticmethod
    def authorize(rule, target, context):
        assert set(target) == {"project_id", "user_id"}
        if context.user_id == "of another scope":
            raise InvalidScope
        return context.is_admin or rule.removeprefix(RULE) in context.rules


@contextlib.contextmanager
def target_cell(context, cell):
    targeted = copy.copy(context)
    targeted.db_connection, targeted.mq_connection, targeted.cell_uuid = cell.database, f"mq-{cell.identity}", cell.uuid
    yield targeted


def _stubs(deployment):
    stubs = {name: MagicMock() for name in MODULES}
    nova = stubs["nova"]
    nova.conf.CONF.register_opts = lambda options, group: setattr(nova.conf.CONF, group, _Options(**{one.name: one.default for one in options}))
    stubs["oslo_config"].cfg.IntOpt = _Option
    nova.exception = SimpleNamespace(
        NovaException=NovaException,
        NotFound=InstanceNotFound,
        **{one.__name__: one for one in (UnexpectedTaskStateError, InstanceNotFound, ComputeHostNotFound)},
        **{name: type(name, (NovaException,), {}) for name in ("InstanceQuiesceNotSupported", "QemuGuestAgentNotEnabled")},
    )
    nova.context = SimpleNamespace(target_cell=target_cell, get_admin_context=Context)
    nova.objects.CellMappingList.get_all = lambda context: list(deployment.cells)
    nova.objects.InstanceList.get_by_filters = deployment.find
    nova.objects.InstanceActionList.get_by_instance_uuid = deployment.actions_of
    nova.objects.InstanceActionEventList.get_by_action = lambda context, number: deployment.events[number]
    nova.objects.InstanceAction.action_start = deployment.start_action
    nova.objects.InstanceAction.action_finish = deployment.finish_action
    nova.objects.Service.get_by_compute_host = deployment.service
    nova.servicegroup.API = lambda: SimpleNamespace(service_is_up=lambda host: host not in deployment.down)
    stubs["oslo_messaging"].MessagingTimeout, stubs["oslo_messaging"].RemoteError = Unanswered, Refused
    compute = stubs["nova.compute"]
    compute.vm_states = SimpleNamespace(**{name: name.lower() for name in STATES.split()})
    compute.power_state = SimpleNamespace(**POWER)
    compute.task_states = SimpleNamespace(**{name.upper(): name for name in IMAGE_TASKS})
    compute.api.API = lambda: SimpleNamespace(get=deployment.get)
    compute.rpcapi.ComputeAPI = lambda: SimpleNamespace(router=SimpleNamespace(client=deployment.client))
    compute.utils.EventReporter = deployment.report
    stubs["nova.api.openstack"].wsgi = SimpleNamespace(Request=object, Fault=lambda error: error)
    stubs["nova.policies"].base = SimpleNamespace(ADMIN="admin", list_rules=lambda: [BASE_RULE])
    policy = stubs["oslo_policy"].policy
    policy.Enforcer, policy.InvalidScope = Enforcer, InvalidScope
    policy.DocumentedRuleDefault = DocumentedRuleDefault
    webob = stubs["webob"]
    webob.Response = SimpleNamespace
    webob.dec = stubs["webob.dec"] = SimpleNamespace(wsgify=lambda RequestClass: lambda call: call)
    codes = {"BadRequest": 400, "Forbidden": 403, "NotFound": 404, "MethodNotAllowed": 405, "Conflict": 409, "GatewayTimeout": 504}
    errors = {f"HTTP{name}": type(f"HTTP{name}", (HTTPError,), {"code": code}) for name, code in codes.items()}
    webob.exc = stubs["webob.exc"] = SimpleNamespace(HTTPError=HTTPError, **errors)
    return stubs


@dataclasses.dataclass(frozen=True)
class _Option:
    """An option as oslo.config knows it."""

    name: str
    default: int | None = None
    min: int | None = None
    help: str = ""


class _Options(SimpleNamespace):
    def __getitem__(self, name):
        return getattr(self, name)


@functools.cache
def _compiled():
    return compile(FILTER.read_text(), str(FILTER), "exec")


@contextlib.contextmanager
def loaded(deployment):
    """The filter, loaded over a deployment, with its clock."""
    with pytest.MonkeyPatch.context() as patched:
        for name, stub in _stubs(deployment).items():
            patched.setitem(sys.modules, name, stub)
        module = types.ModuleType("nova_quiesce_api_under_test")
        # Its dataclasses are looked up there.
        patched.setitem(sys.modules, module.__name__, module)
        exec(_compiled(), vars(module))
        deployment.own_now = module._now
        patched.setattr(module, "_now", deployment.clock.now)
        yield module
