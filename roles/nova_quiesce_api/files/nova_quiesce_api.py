# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quiesce and unquiesce as server actions of Nova's compute API.

A paste filter for a stock Nova, to be put behind ``keystonecontext``. It freezes and
thaws servers by two RPC methods that nova-compute has had since Kilo, keeps what it did
in the instances' system metadata, and thaws by itself what nobody thawed in time.

While the filter works on a server, the server has a task state, by which Nova serializes
everything that is done to it. While the server stays frozen it has none: Cinder's
assisted snapshots, for which servers are frozen, are refused for servers with a task.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import copy
import dataclasses
import datetime
import json
import os
import random
import re
import sys
import threading
import time
import typing as t

import fasteners
import oslo_messaging
import webob
import webob.dec
import webob.exc
from nova import conf as nova_conf
from nova import context as nova_context
from nova import exception, objects, servicegroup
from nova.api.openstack import wsgi
from nova.compute import api as compute_api
from nova.compute import rpcapi, vm_states
from nova.compute import utils as compute_utils
from nova.policies import base as base_policies
from oslo_config import cfg
from oslo_log import log as logging
from oslo_policy import policy
from oslo_utils import excutils

LOG = logging.getLogger(__name__)
CONF = nova_conf.CONF

OPTIONS = [
    cfg.IntOpt(
        "default_timeout",
        default=60,
        min=1,
        help="Seconds after which a quiesced server is thawed when the request names no timeout.",
    ),
    cfg.IntOpt(
        "max_timeout",
        default=300,
        min=1,
        help="The most seconds that a server stays quiesced, whatever the request says.",
    ),
    cfg.IntOpt(
        "agent_timeout",
        default=30,
        min=1,
        help="Seconds to wait for a guest agent to freeze or thaw, its hooks included.",
    ),
    cfg.IntOpt(
        "sweep_interval",
        default=5,
        min=1,
        help=(
            "Seconds between two looks for servers whose time is over. One API process per host looks; "
            "when it ends, another one takes over."
        ),
    ),
]
GROUP = "quiesce"
CONF.register_opts(OPTIONS, group=GROUP)

POLICY = "os_compute_api:os-quiesce:%s"
POLICIES = [
    policy.DocumentedRuleDefault(
        name=POLICY % name,
        check_str=base_policies.ADMIN,
        description=description,
        operations=[{"method": method, "path": path}],
        scope_types=["project"],
    )
    for name, description, method, path in (
        ("quiesce", "Quiesce a server", "POST", "/servers/{server_id}/action (quiesce)"),
        ("unquiesce", "Unquiesce a server", "POST", "/servers/{server_id}/action (unquiesce)"),
        ("show", "Show whether a server is quiesced", "GET", "/servers/{server_id}/os-quiesce"),
    )
]

#: Actions that would break a frozen server, that wait for its guest agent, or that freeze it themselves.
CONFLICTING_ACTIONS = frozenset(
    {
        "changePassword",
        "createBackup",
        "createImage",
        "evacuate",
        "migrate",
        "os-migrateLive",
        "os-stop",
        "pause",
        "reboot",
        "rebuild",
        "rescue",
        "resize",
        "shelve",
        "suspend",
    }
)

QUIESCING = "quiescing"
QUIESCED = "quiesced"
UNQUIESCING = "unquiescing"

#: Seconds that a process gets to write down how its request to a compute host ended.
_GRACE = 5
#: Seconds that a request waits on a compute host for its turn at a guest agent, libvirt's 30 and some more.
#: Requests do not get their turns in the order in which they came.
_LATEST_TURN = 40
#: For so long an agent that is away is waited for: its guest may be frozen all the same.
_PATIENCE = datetime.timedelta(hours=1)
#: States of a server whose guest cannot be asked, and is as it was when it goes on.
_STANDING_STILL = (vm_states.PAUSED, vm_states.SUSPENDED)
_PATH = re.compile(r"^(?:/[^/]+)?/servers/(?P<server>[^/]+)/(?P<what>action|os-quiesce)/?$")
#: What the RPC methods are called with; the newest that the computes' version allows.
_RPC_VERSIONS = ("6.0", "5.0")


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _after(seconds: float) -> datetime.datetime:
    return _now() + datetime.timedelta(seconds=seconds)


@dataclasses.dataclass(frozen=True)
class Record:
    """What is known of a server that is not simply running; kept in its system metadata.

    :param since: when the freeze was asked for, and once it is confirmed, when that was.
    :param until: when somebody else may, and will, thaw the server.
    :param settled: from when on a confirmed thaw is final: no freeze that was given up can come after it.
    """

    state: str
    since: datetime.datetime
    until: datetime.datetime
    settled: datetime.datetime
    user_id: str
    project_id: str
    request_id: str

    #: By this pair a server with a record is found.
    MARK: t.ClassVar[dict[str, str]] = {"quiesce": "recorded"}
    _PREFIX: t.ClassVar[str] = "quiesce_"
    _MOMENTS: t.ClassVar[tuple[str, ...]] = ("since", "until", "settled")

    @classmethod
    def of(cls, instance: t.Any) -> Record | None:
        metadata = instance.system_metadata
        if not all(metadata.get(key) == value for key, value in cls.MARK.items()):
            return None
        values = {field.name: metadata.get(cls._PREFIX + field.name, "") for field in dataclasses.fields(cls)}
        for moment in cls._MOMENTS:
            values[moment] = datetime.datetime.fromisoformat(values[moment])
        return cls(**values)

    def put_on(self, instance: t.Any) -> None:
        values = {key: str(value) for key, value in dataclasses.asdict(self).items()}
        values.update({moment: getattr(self, moment).isoformat() for moment in self._MOMENTS})
        instance.system_metadata = {
            **instance.system_metadata,
            **self.MARK,
            **{self._PREFIX + key: value for key, value in values.items()},
        }

    @classmethod
    def take_off(cls, instance: t.Any) -> None:
        ours = {*cls.MARK, *(cls._PREFIX + field.name for field in dataclasses.fields(cls))}
        instance.system_metadata = {k: v for k, v in instance.system_metadata.items() if k not in ours}

    @property
    def is_due(self) -> bool:
        return _now() >= self.until

    def as_dict(self) -> dict[str, str]:
        moments = {
            name: getattr(self, name).astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            for name in self._MOMENTS
        }
        return {**dataclasses.asdict(self), **moments}


class AgentFailed(Exception):
    """A guest agent did not freeze or thaw.

    :param nothing_pending: the guest cannot be frozen later by what was asked of it now.
    :param is_frozen: the agent refused because the guest is frozen.
    """

    def __init__(self, message: str, nothing_pending: bool = False, is_frozen: bool = False) -> None:
        super().__init__(message)
        self.nothing_pending = nothing_pending
        self.is_frozen = is_frozen


class AgentLate(AgentFailed):
    """Whether the guest agent did its part is not known: no answer came in time."""


class Computes:
    """The compute hosts, asked to freeze and thaw, with a limit for each answer."""

    def __init__(self) -> None:
        self._rpc = rpcapi.ComputeAPI()
        self._services = servicegroup.API()

    def is_up(self, context: t.Any, instance: t.Any) -> bool:
        try:
            return self._services.service_is_up(objects.Service.get_by_compute_host(context, instance.host))
        except exception.ComputeHostNotFound:
            return False

    def freeze(self, context: t.Any, instance: t.Any, seconds: float) -> None:
        self._call(context, instance, "quiesce_instance", seconds)

    def thaw(self, context: t.Any, instance: t.Any, seconds: float) -> None:
        # Nova itself sends this without waiting for the answer, so it cannot know.
        self._call(context, instance, "unquiesce_instance", seconds, mapping=None)

    def _call(self, context: t.Any, instance: t.Any, method: str, seconds: float, **arguments: t.Any) -> None:
        """:raises AgentFailed: saying why the method did not do its work."""
        client = self._rpc.router.client(context)
        version = next((v for v in _RPC_VERSIONS if client.can_send_version(v)), _RPC_VERSIONS[-1])
        # The request expires with the timeout: a compute host that comes back later does not get it.
        prepared = client.prepare(server=instance.host, version=version, timeout=max(1, seconds))
        try:
            prepared.call(context, method, instance=instance, **arguments)
        except oslo_messaging.MessagingTimeout as error:
            raise AgentLate(
                f"The guest agent did not answer within {seconds:.0f} s, or host {instance.host} was cut off."
            ) from error
        except (exception.InstanceQuiesceNotSupported, exception.QemuGuestAgentNotEnabled) as error:
            raise AgentFailed(error.format_message(), nothing_pending=True) from error
        except NotImplementedError as error:
            raise AgentFailed("The hypervisor's driver cannot do it.", nothing_pending=True) from error
        except exception.NovaException as error:
            raise _failure(error.format_message()) from error
        except oslo_messaging.RemoteError as error:
            raise _failure(error.value) from error


def _failure(message: str) -> AgentFailed:
    """Read libvirt's words: nova-compute passes on nothing else."""
    is_frozen = "has been disabled" in message and "freeze" in message
    # Not so a domain that is "not running": it may be paused, with all that was asked of it.
    not_there = any(words in message for words in ("not connected", "not configured"))
    return AgentFailed(message, nothing_pending=is_frozen or not_there, is_frozen=is_frozen)


class Claim:
    """The right to work on a server, by a task state that only one process can set.

    :raises exception.UnexpectedTaskStateError: when another process has it, or had it since the server was read.
    """

    def __init__(self, instance: t.Any, task: str, record: Record) -> None:
        before, seen = instance.task_state, Record.of(instance)
        self._instance = instance
        self._task = task
        self._record = record
        instance.task_state = task
        instance.save(expected_task_state=[before])
        instance.refresh()
        if Record.of(instance) != seen:
            instance.task_state = before
            instance.save(expected_task_state=[task])
            raise exception.UnexpectedTaskStateError(
                instance_uuid=instance.uuid, expected={"task_state": before}, actual={"task_state": "another one"}
            )
        # From here on a sweep knows what to do if this process dies.
        record.put_on(instance)
        instance.save(expected_task_state=[task])

    def keep(self, **changes: t.Any) -> Record:
        """End it with a record that says how it went."""
        record = dataclasses.replace(self._record, **changes)
        record.put_on(self._instance)
        self._end()
        return record

    def clear(self) -> None:
        """End it with a server that simply runs."""
        Record.take_off(self._instance)
        self._end()

    def _end(self) -> None:
        self._instance.task_state = None
        self._instance.save(expected_task_state=[self._task])


class Quiescer:
    """Freezes and thaws single servers and keeps the record of it."""

    def __init__(self, computes: Computes) -> None:
        self._computes = computes

    def probe(self, context: t.Any, instance: t.Any, timeout: int) -> None:
        """Find out whether the guest agent answers, by a thaw of the running server.

        :raises AgentFailed: when it does not.
        """
        claim = Claim(instance, UNQUIESCING, _record(context, UNQUIESCING))
        try:
            self._computes.thaw(context, instance, min(timeout, CONF.quiesce.agent_timeout))
        except AgentLate:
            # The thaw may be carried out late, into the next freeze.
            _keep_thawing(claim)
            raise
        except AgentFailed:
            claim.clear()
            raise
        claim.clear()

    def quiesce(self, context: t.Any, instance: t.Any, timeout: int) -> Record:
        """:raises AgentFailed: when the server is not frozen; it will not stay so if it becomes it later."""
        patience = min(timeout, CONF.quiesce.agent_timeout)
        record = _record(context, QUIESCING, timeout)
        record = dataclasses.replace(record, settled=_after(patience + _LATEST_TURN))
        claim = Claim(instance, QUIESCING, record)
        with _recorded(context, instance, "quiesce"):
            try:
                self._computes.freeze(context, instance, patience)
                return claim.keep(state=QUIESCED, since=_now(), settled=_now())
            except AgentFailed as error:
                self._give_up(context, instance, claim, error)
                raise
            except Exception:
                # The freeze may have happened; the record in the database brings the sweep.
                with excutils.save_and_reraise_exception(), contextlib.suppress(AgentFailed):
                    self._computes.thaw(context, instance, CONF.quiesce.agent_timeout)

    def unquiesce(self, context: t.Any, instance: t.Any, record: Record) -> bool:
        """Thaw, and return whether the server had been frozen the whole time.

        What was asked of the agent before and given up is waited for by the sweep.

        :raises AgentFailed: when the thaw was not confirmed; it is tried on.
        """
        working = dataclasses.replace(record, until=_after(2 * CONF.quiesce.agent_timeout + _GRACE))
        claim = Claim(instance, UNQUIESCING, working)
        with _recorded(context, instance, "unquiesce"):
            is_final = _now() >= record.settled
            try:
                intact = record.state == QUIESCED and self._is_still_frozen(context, instance)
                self._computes.thaw(context, instance, CONF.quiesce.agent_timeout)
            except AgentLate:
                _keep_thawing(claim)
                raise
            except AgentFailed:
                claim.keep(state=UNQUIESCING, until=_now())
                raise
            self._end(claim, is_final)
            return intact

    def expire(self, context: t.Any, instance: t.Any, record: Record) -> None:
        """Thaw a server whose time is over, or whose process has ended."""
        if instance.vm_state not in (vm_states.ACTIVE, *_STANDING_STILL):
            Record.take_off(instance)
            instance.save()
            return
        if instance.task_state not in (None, QUIESCING, UNQUIESCING):
            LOG.info("Server %s has the task %s; it is thawed after that.", instance.uuid, instance.task_state)
            return
        working = dataclasses.replace(record, until=_after(CONF.quiesce.agent_timeout + _GRACE))
        if record.state == QUIESCED:
            LOG.warning("Server %s was not unquiesced in time and is thawed now.", instance.uuid)
        claim = Claim(instance, UNQUIESCING, working)
        if instance.vm_state in _STANDING_STILL:
            claim.keep(state=UNQUIESCING, until=_after(CONF.quiesce.sweep_interval), settled=_after(_LATEST_TURN))
            return
        with _recorded(context, instance, "unquiesce"):
            is_final = _now() >= record.settled
            try:
                self._computes.thaw(context, instance, CONF.quiesce.agent_timeout)
            except AgentFailed as error:
                # Agents are restarted. One that is away says nothing of its guest, and forgets nothing.
                if not error.nothing_pending or _now() < record.settled + _PATIENCE:
                    claim.keep(state=UNQUIESCING, until=_after(CONF.quiesce.sweep_interval))
                    raise
            self._end(claim, is_final)

    def _is_still_frozen(self, context: t.Any, instance: t.Any) -> bool:
        """Ask by a second freeze, which an agent refuses while it is frozen: nova-compute has no other question."""
        try:
            self._computes.freeze(context, instance, CONF.quiesce.agent_timeout)
        except AgentLate:
            raise
        except AgentFailed as error:
            return error.is_frozen
        return False

    def _give_up(self, context: t.Any, instance: t.Any, claim: Claim, error: AgentFailed) -> None:
        """Leave a server running whose freeze failed, or is only late."""
        if isinstance(error, AgentLate):
            _keep_thawing(claim)
            return
        if not error.nothing_pending:
            try:
                self._computes.thaw(context, instance, CONF.quiesce.agent_timeout)
            except AgentFailed:
                _keep_thawing(claim)
                return
        claim.clear()

    @staticmethod
    def _end(claim: Claim, is_final: bool) -> None:
        """After a confirmed thaw."""
        if is_final:
            claim.clear()
        else:
            claim.keep(state=UNQUIESCING, until=_after(CONF.quiesce.sweep_interval))


def _record(context: t.Any, state: str, timeout: float = 0) -> Record:
    return Record(
        state=state,
        since=_now(),
        until=_after(timeout or CONF.quiesce.agent_timeout + _GRACE),
        settled=_now(),
        user_id=context.user_id or "",
        project_id=context.project_id or "",
        request_id=context.request_id,
    )


def _keep_thawing(claim: Claim) -> None:
    """Leave a server to the sweep, until nothing that was asked of its agent can come any more."""
    claim.keep(state=UNQUIESCING, until=_now(), settled=_after(_LATEST_TURN))


@contextlib.contextmanager
def _recorded(context: t.Any, instance: t.Any, action: str) -> t.Iterator[None]:
    """Put an action and its outcome into the instance-action log."""
    objects.InstanceAction.action_start(context, instance.uuid, action, want_result=False)
    with compute_utils.EventReporter(context, f"api_{action}_instance", CONF.host, instance.uuid):
        yield
    objects.InstanceAction.action_finish(context, instance.uuid, want_result=False)


class Sweeper:
    """Thaws the servers of all cells whose time is over.

    Every API process has one; of those on a host, the one that holds the lock works.
    """

    def __init__(self, quiescer: Quiescer) -> None:
        self._quiescer = quiescer
        self._lock = fasteners.InterProcessLock(
            os.path.join(CONF.oslo_concurrency.lock_path or CONF.state_path, "nova-quiesce-sweep")
        )
        self._pool = concurrent.futures.ThreadPoolExecutor(max_workers=16)
        self._under_way: set[str] = set()

    def start(self) -> None:
        threading.Thread(target=self._run, name="quiesce-sweep", daemon=True).start()

    def _run(self) -> None:
        while True:
            time.sleep(random.uniform(0.5, 1) * CONF.quiesce.sweep_interval)
            try:
                if self._lock.acquired or self._lock.acquire(blocking=False):
                    self.sweep()
            except Exception:
                LOG.exception("Servers whose quiesce is over could not be looked for; it is tried again.")

    def sweep(self) -> None:
        admin = nova_context.get_admin_context()
        for cell in objects.CellMappingList.get_all(admin):
            if cell.is_cell0():
                continue
            try:
                with nova_context.target_cell(admin, cell) as context:
                    self._sweep_cell(context)
            except Exception:
                # One cell that is down must not keep the others' servers frozen.
                LOG.exception("Cell %s could not be looked into; it is tried again.", cell.identity)

    def _sweep_cell(self, context: t.Any) -> None:
        for instance in self._find(context, system_metadata=Record.MARK):
            record = Record.of(instance)
            if record and record.is_due and instance.uuid not in self._under_way:
                self._under_way.add(instance.uuid)
                self._pool.submit(self._expire, _of_owner(context, instance), instance, record)

        for instance in self._find(context, task_state=[QUIESCING, UNQUIESCING]):
            if Record.of(instance) is None and _is_abandoned(instance):
                # Its process died before it did anything.
                before, instance.task_state = instance.task_state, None
                instance.save(expected_task_state=[before])

    @staticmethod
    def _find(context: t.Any, **filters: t.Any) -> t.Any:
        return objects.InstanceList.get_by_filters(
            context, {"deleted": False, **filters}, expected_attrs=["system_metadata"]
        )

    def _expire(self, context: t.Any, instance: t.Any, record: Record) -> None:
        try:
            with instance.obj_alternate_context(context):
                self._quiescer.expire(context, instance, record)
        except exception.UnexpectedTaskStateError:
            LOG.info("Server %s is being worked on; it is looked at again.", instance.uuid)
        except exception.InstanceNotFound:
            LOG.info("Server %s is gone.", instance.uuid)
        except AgentFailed as error:
            LOG.warning("Server %s could not be thawed yet: %s", instance.uuid, error)
        except Exception:
            LOG.exception("Server %s could not be thawed yet.", instance.uuid)
        finally:
            self._under_way.discard(instance.uuid)


def _of_owner(context: t.Any, instance: t.Any) -> t.Any:
    """The same cell and rights, with a request of its own in the project of the server."""
    own = nova_context.get_admin_context()
    own.db_connection, own.mq_connection, own.cell_uuid = (
        context.db_connection,
        context.mq_connection,
        context.cell_uuid,
    )
    own.project_id = instance.project_id
    return own


def _is_abandoned(instance: t.Any) -> bool:
    return _now() > instance.updated_at + datetime.timedelta(seconds=CONF.quiesce.agent_timeout + _GRACE)


class QuiesceFilter:
    """The WSGI middleware."""

    def __init__(self, application: t.Any) -> None:
        self.application = application
        self._compute = compute_api.API()
        self._computes = Computes()
        self._quiescer = Quiescer(self._computes)
        self._enforcer = _enforcer()
        self._sweeping_process: int | None = None
        if _threads_stand_still():
            LOG.warning(
                "Nova has patched itself with eventlet under a web server that runs threads of eventlet only while it "
                "serves a request: servers whose time is over may be thawed late. Set "
                "OS_NOVA_DISABLE_EVENTLET_PATCHING=1 in the environment of this process."
            )
        self._sweep()

    @webob.dec.wsgify(RequestClass=wsgi.Request)
    def __call__(self, request: t.Any) -> t.Any:
        self._sweep()
        found = _PATH.match(request.path_info)
        if not found:
            return self.application
        try:
            if found["what"] == "os-quiesce":
                return self._show(request, found["server"])
            return self._act(request, found["server"])
        except webob.exc.HTTPError as error:
            return wsgi.Fault(error)

    def _sweep(self) -> None:
        """Threads do not survive the fork by which some servers make their processes."""
        if self._sweeping_process != os.getpid():
            self._sweeping_process = os.getpid()
            Sweeper(self._quiescer).start()

    def _show(self, request: t.Any, server: str) -> webob.Response:
        if request.method != "GET":
            raise webob.exc.HTTPMethodNotAllowed(explanation="Only GET is possible.", headers={"Allow": "GET"})
        context, instance = self._find(request, server)
        self._authorize(context, instance, "show")
        record = Record.of(instance)
        return _answer(200, record.as_dict() if record else {"state": "none"})

    def _act(self, request: t.Any, server: str) -> t.Any:
        action, arguments = _action(request)
        if action == "quiesce":
            return self._quiesce(request, server, arguments)
        if action == "unquiesce":
            return self._unquiesce(request, server, arguments)
        if action in CONFLICTING_ACTIONS:
            self._refuse_conflict(request, server, action)
        return self.application

    def _quiesce(self, request: t.Any, server: str, arguments: t.Any) -> webob.Response:
        timeout, is_probe = _quiesce_arguments(arguments)
        context, instance = self._find(request, server)
        self._authorize(context, instance, "quiesce")
        self._require_quiescable(context, instance)
        with _failing(instance, "quiesced", "quiesce"):
            if is_probe:
                self._quiescer.probe(context, instance, timeout)
                return _answer(202, {"state": "none"})
            return _answer(202, self._quiescer.quiesce(context, instance, timeout).as_dict())

    def _unquiesce(self, request: t.Any, server: str, arguments: t.Any) -> webob.Response:
        if arguments is not None:
            raise webob.exc.HTTPBadRequest(explanation="'unquiesce' takes null.")
        context, instance = self._find(request, server)
        self._authorize(context, instance, "unquiesce")
        record = Record.of(instance)
        if record is None:
            raise webob.exc.HTTPConflict(explanation=f"Server {instance.uuid} is not quiesced.")
        if instance.task_state:
            raise webob.exc.HTTPConflict(
                explanation=f"Server {instance.uuid} is busy with the task {instance.task_state}; try again."
            )
        with _failing(instance, "unquiesced; Nova goes on trying", "unquiesce"):
            intact = self._quiescer.unquiesce(context, instance, record)
        return _answer(202, {"state": "none", "intact": intact})

    def _require_quiescable(self, context: t.Any, instance: t.Any) -> None:
        record = Record.of(instance)
        problem = None
        if record:
            problem = f"is {record.state} since {record.since.isoformat()} by request {record.request_id}"
        elif instance.vm_state != vm_states.ACTIVE:
            problem = f"is {instance.vm_state}, not active"
        elif instance.task_state:
            problem = f"is busy with the task {instance.task_state}"
        elif instance.locked and not context.is_admin:
            problem = "is locked"
        elif not self._computes.is_up(context, instance):
            problem = f"cannot be reached: the compute service of host {instance.host} is down"
        if problem:
            raise webob.exc.HTTPConflict(explanation=f"Server {instance.uuid} cannot be quiesced: it {problem}.")

    def _refuse_conflict(self, request: t.Any, server: str, action: str) -> None:
        try:
            instance = self._find(request, server)[1]
        except webob.exc.HTTPNotFound:
            return
        record = Record.of(instance)
        if record and record.state in (QUIESCING, QUIESCED):
            raise webob.exc.HTTPConflict(
                explanation=f"Cannot '{action}' server {instance.uuid} while it is {record.state}; unquiesce it first. "
                f"Nova thaws it by itself at {record.until.isoformat()}."
            )

    def _find(self, request: t.Any, server: str) -> tuple[t.Any, t.Any]:
        """The server, and a context that leads to its cell; the request's own is Nova's."""
        context = copy.copy(request.environ["nova.context"])
        try:
            return context, self._compute.get(context, server, expected_attrs=["system_metadata"])
        except exception.NotFound as error:
            raise webob.exc.HTTPNotFound(explanation=error.format_message()) from error

    def _authorize(self, context: t.Any, instance: t.Any, name: str) -> None:
        rule = POLICY % name
        target = {"project_id": instance.project_id, "user_id": instance.user_id}
        try:
            allowed = self._enforcer.authorize(rule, target, context)
        except policy.InvalidScope:
            allowed = False
        if not allowed:
            raise webob.exc.HTTPForbidden(explanation=f"Policy doesn't allow {rule} to be performed.")


def _threads_stand_still() -> bool:
    """Whether threads are those of eventlet, and the web server does not let them run between two requests."""
    patcher = sys.modules.get("eventlet.patcher")
    is_patched = patcher is not None and patcher.is_monkey_patched("thread")
    return is_patched and any(server in sys.modules for server in ("uwsgi", "mod_wsgi"))


def _enforcer() -> policy.Enforcer:
    """Nova's own policy file with its base rules, and the rules of this API."""
    enforcer = policy.Enforcer(CONF)
    enforcer.suppress_default_change_warnings = True
    enforcer.suppress_deprecation_warnings = True
    enforcer.register_defaults(base_policies.list_rules())
    enforcer.register_defaults(POLICIES)
    return enforcer


def _action(request: t.Any) -> tuple[str | None, t.Any]:
    """Name and arguments of a server action; nothing for what Nova has to refuse itself."""
    try:
        body = json.loads(request.body) if request.method == "POST" else None
    except ValueError:
        body = None
    if not isinstance(body, dict) or len(body) != 1:
        return None, None
    return next(iter(body.items()))


def _quiesce_arguments(arguments: t.Any) -> tuple[int, bool]:
    """:returns: seconds, and whether the guest agent is only to be probed."""
    arguments = {} if arguments is None else arguments
    timeout = arguments.get("timeout", CONF.quiesce.default_timeout) if isinstance(arguments, dict) else None
    is_probe = arguments.get("probe", False) if isinstance(arguments, dict) else None
    is_seconds = isinstance(timeout, int) and not isinstance(timeout, bool) and timeout >= 1
    if not is_seconds or not isinstance(is_probe, bool) or not set(arguments) <= {"timeout", "probe"}:
        raise webob.exc.HTTPBadRequest(
            explanation="'quiesce' takes null, or an object with 'timeout' (seconds, 1 or more) and 'probe' (boolean)."
        )
    return min(timeout, CONF.quiesce.max_timeout), is_probe


@contextlib.contextmanager
def _failing(instance: t.Any, done: str, action: str) -> t.Iterator[None]:
    """Turn what went wrong with a server into an answer."""
    try:
        yield
    except exception.UnexpectedTaskStateError as error:
        raise webob.exc.HTTPConflict(
            explanation=f"Server {instance.uuid} is busy with another task; '{action}' was not begun."
        ) from error
    except exception.InstanceNotFound as error:
        raise webob.exc.HTTPNotFound(explanation=error.format_message()) from error
    except AgentLate as error:
        raise webob.exc.HTTPGatewayTimeout(
            explanation=f"Server {instance.uuid} was not {done}: {error} If it becomes frozen later, Nova thaws it."
        ) from error
    except AgentFailed as error:
        raise webob.exc.HTTPConflict(explanation=f"Server {instance.uuid} was not {done}: {error}") from error


def _answer(status: int, content: t.Mapping[str, t.Any]) -> webob.Response:
    limits = {name: CONF.quiesce[name] for name in ("default_timeout", "max_timeout")}
    body = json.dumps({"quiesce": {**content, **limits}})
    return webob.Response(status=status, text=body, content_type="application/json", charset="UTF-8")


def filter_factory(global_conf: t.Any, **local_conf: t.Any) -> t.Callable[[t.Any], QuiesceFilter]:
    return QuiesceFilter
