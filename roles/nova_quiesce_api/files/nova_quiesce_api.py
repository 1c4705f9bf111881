# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quiesce and unquiesce as server actions of Nova's compute API.

A paste filter for a stock Nova, to be put behind ``keystonecontext``. It freezes and
thaws servers by two RPC methods that nova-compute has had since Kilo, keeps its records
in the instances' system metadata, and thaws on its own what nobody thawed in time.

While the filter works on a server, it holds a task state on it, with which Nova serializes
operations. A frozen server has no task state: Nova refuses Cinder's assisted snapshots,
which are what servers are frozen for, while there is one.

Whoever holds the freeze of a server may also have Nova make an image of it ('createImage' with
the freeze's token in a header). The thaw need not wait until the image is uploaded: then the
filter leaves the task state to Nova, which gives up an image whose task anybody changes.
"""

from __future__ import annotations

import collections
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
from nova.compute import power_state, rpcapi, task_states, vm_states
from nova.compute import utils as compute_utils
from nova.policies import base as base_policies
from oslo_config import cfg
from oslo_log import log as logging
from oslo_policy import policy

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
        help="Maximum number of seconds for which a server stays quiesced, whatever the request says.",
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
            "Seconds between two searches for servers whose time is over. One API process per host searches; "
            "when it exits, another one takes over."
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
        ("force", "Unquiesce a server that another freeze holds", "POST", "/servers/{server_id}/action (unquiesce)"),
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

#: What the holder of a freeze may do nevertheless, with the header that names the freeze.
_OF_THE_HOLDER = "createImage"
_TOKEN_HEADER = "X-OpenStack-Quiesce-Token"
#: Nova's tasks while it makes and uploads an image.
_IMAGE_TASKS = (
    task_states.IMAGE_SNAPSHOT_PENDING,
    task_states.IMAGE_SNAPSHOT,
    task_states.IMAGE_PENDING_UPLOAD,
    task_states.IMAGE_UPLOADING,
)

QUIESCING = "quiescing"
QUIESCED = "quiesced"
UNQUIESCING = "unquiescing"

#: Seconds for a process to record how its request to a compute host ended.
_GRACE = 5
#: Seconds that a request may wait on a compute host for a guest agent: libvirt's 30 and a margin.
#: Requests are not served in the order in which they arrive.
_LATEST_TURN = 40
#: States in which the guest cannot be asked; it resumes as it was.
_STANDING_STILL = (vm_states.PAUSED, vm_states.SUSPENDED)
#: States that Nova sets only after the guest was switched off. Whatever runs now, or later, was started afresh.
_STARTED_AFRESH = (vm_states.RESCUED, vm_states.RESIZED, vm_states.SHELVED, vm_states.SHELVED_OFFLOADED)
#: The same, unless the guest has power: it was started without Nova, or its host was down when it was deleted.
_OFF = (vm_states.STOPPED, vm_states.SOFT_DELETED)
_NO_POWER = (power_state.SHUTDOWN, power_state.CRASHED)
#: Events of Nova's instance-action log after which the guest has been started afresh.
_RESTARTS = frozenset(
    f"compute_{name}_instance" for name in ("reboot", "start", "stop", "rebuild", "rescue", "unrescue", "shelve")
)
_OUR_TASKS = (None, QUIESCING, UNQUIESCING)
_PATH = re.compile(r"^(?:/[^/]+)?/servers/(?P<server>[^/]+)/(?P<what>action|os-quiesce)/?$")
_TOKEN = re.compile(r"[A-Za-z0-9._:-]{1,64}")
#: RPC versions of the methods, the newest first; the first that the computes accept is used.
_RPC_VERSIONS = ("6.0", "5.0")
#: Nova 2024.1 also runs on a Python that has no datetime.UTC.
_UTC = datetime.timezone.utc
_LONG_AGO = datetime.datetime.fromtimestamp(0, _UTC)


def _now() -> datetime.datetime:
    return datetime.datetime.now(_UTC)


def _after(seconds: float) -> datetime.datetime:
    return _now() + datetime.timedelta(seconds=seconds)


def _moment(text: t.Any) -> datetime.datetime | None:
    """Read a time with its zone; None for everything else, be it a time that is none in UTC."""
    try:
        moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
        return moment.astimezone(_UTC) if moment.tzinfo else None
    except (AttributeError, OverflowError, ValueError):
        return None


def _shown(moment: datetime.datetime) -> str:
    return moment.astimezone(_UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclasses.dataclass(frozen=True)
class Ended:
    """How the latest freeze of a server ended; kept in its system metadata beyond that end.

    It tells a client whose answer was lost that *its* freeze is over. It also lets Nova refuse a freeze that was given
    up before it arrived.

    :param token: of the freeze.
    :param outcome: ``unquiesced`` by request, ``expired``: thawed by Nova, ``restarted`` or ``stopped``: the guest was
        switched off, ``unknown``: it never began, and no longer can.
    :param intact: whether the server stayed frozen until then.
    """

    token: str
    outcome: str
    intact: bool
    at: str

    _KEY: t.ClassVar[str] = "quiesce_ended"

    @classmethod
    def now(cls, token: str, outcome: str, intact: bool = False) -> Ended:
        return cls(token, outcome, intact, _shown(_now()))

    @classmethod
    def of(cls, instance: t.Any) -> Ended | None:
        try:
            return cls(**json.loads(instance.system_metadata.get(cls._KEY, "")))
        except (TypeError, ValueError):
            return None

    def put_on(self, instance: t.Any) -> None:
        instance.system_metadata = {**instance.system_metadata, self._KEY: json.dumps(dataclasses.asdict(self))}


@dataclasses.dataclass(frozen=True)
class Record:
    """The record of a server that is being frozen or thawed, or is frozen; kept in its system metadata.

    :param since: when the freeze was confirmed; until then, when it was requested.
    :param until: from then on any process may thaw the server, and the sweep does.
    :param settled: from then on a confirmed thaw is final: no abandoned freeze can take effect after it.
    :param token: identifies the freeze; chosen by the client, otherwise the id of its request.
    """

    state: str
    since: datetime.datetime
    until: datetime.datetime
    settled: datetime.datetime
    user_id: str
    project_id: str
    request_id: str
    token: str

    #: The metadata by which servers with a record are found.
    MARK: t.ClassVar[dict[str, str]] = {"quiesce": "recorded"}
    _PREFIX: t.ClassVar[str] = "quiesce_"
    _MOMENTS: t.ClassVar[tuple[str, ...]] = ("since", "until", "settled")

    @classmethod
    def of(cls, instance: t.Any) -> Record | None:
        """Read the record of a server. Times that cannot be read count as long past, so that the server is thawed."""
        metadata = instance.system_metadata
        if not all(metadata.get(key) == value for key, value in cls.MARK.items()):
            return None
        values = {field.name: metadata.get(cls._PREFIX + field.name, "") for field in dataclasses.fields(cls)}
        values.update({name: _moment(values[name]) or _LONG_AGO for name in cls._MOMENTS})
        return cls(**values)

    @classmethod
    def new(cls, context: t.Any, state: str, until: datetime.datetime, token: str | None = None) -> Record:
        now = _now()
        request_id = context.request_id
        return cls(state, now, until, now, context.user_id or "", context.project_id or "", request_id, token or request_id)

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

    def is_held_by(self, context: t.Any, token: str | None) -> bool:
        """Whether a request may end this freeze: with its token or, if its client chose none, as the same user."""
        if token is not None:
            return token == self.token
        return self.token == self.request_id and self.user_id == (context.user_id or "")

    def as_dict(self) -> dict[str, str]:
        return {**dataclasses.asdict(self), **{name: _shown(getattr(self, name)) for name in self._MOMENTS}}


class AgentFailed(Exception):
    """A guest agent did not freeze or thaw.

    :param nothing_pending: no request is outstanding that could still freeze the guest.
    :param is_frozen: the agent refused because the guest is frozen.
    :param not_running: the hypervisor does not run the guest: it is paused or off.
    """

    def __init__(
        self, message: str, nothing_pending: bool = False, is_frozen: bool = False, not_running: bool = False
    ) -> None:
        super().__init__(message)
        self.nothing_pending = nothing_pending
        self.is_frozen = is_frozen
        self.not_running = not_running


class AgentLate(AgentFailed):
    """No answer came in time, so it is unknown whether the guest agent froze or thawed."""


class Computes:
    """Asks compute hosts to freeze and thaw, with a timeout for each request."""

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
        # Nova's own client does not wait for an answer, so it never learns whether the thaw worked.
        self._call(context, instance, "unquiesce_instance", seconds, mapping=None)

    def _call(self, context: t.Any, instance: t.Any, method: str, seconds: float, **arguments: t.Any) -> None:
        """Call a method of nova-compute and wait for it.

        :raises AgentFailed: with the reason why it failed.
        """
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
    """Classify a failure by libvirt's message: nova-compute passes on nothing else."""
    is_frozen = "has been disabled" in message and "freeze" in message
    not_there = any(words in message for words in ("not connected", "not configured"))
    # The domain may be paused, together with requests to its agent: they may still be outstanding.
    not_running = "domain is not running" in message
    return AgentFailed(message, is_frozen or not_there, is_frozen, not_running)


class Claim:
    """The right to work on a server, by a task state that only one process can set.

    :raises exception.UnexpectedTaskStateError: when another process has it, or had it since the server was read.
    """

    def __init__(self, instance: t.Any, task: str, record: Record) -> None:
        before, seen = instance.task_state, _known(instance)
        self._instance = instance
        self._task = task
        self._record = record
        instance.task_state = task
        instance.save(expected_task_state=[before])
        instance.refresh()
        if _known(instance) != seen:
            instance.task_state = before
            instance.save(expected_task_state=[task])
            raise exception.UnexpectedTaskStateError(
                instance_uuid=instance.uuid, expected={"task_state": before}, actual={"task_state": "another one"}
            )
        # From here on a sweep knows what to do if this process dies.
        record.put_on(instance)
        instance.save(expected_task_state=[task])

    def keep(self, **changes: t.Any) -> Record:
        """Release the server with a record of how it went."""
        record = dataclasses.replace(self._record, **changes)
        record.put_on(self._instance)
        self._end()
        return record

    def clear(self, ended: Ended | None = None) -> None:
        """Release the server without a record: it simply runs."""
        Record.take_off(self._instance)
        if ended:
            ended.put_on(self._instance)
        self._end()

    def _end(self) -> None:
        self._instance.task_state = None
        self._instance.save(expected_task_state=[self._task])


class Aside:
    """Work on a server beside Nova's making of an image, whose task state stays as it is.

    Nothing but the record keeps other processes away: whoever finds that another one wrote it later gives up.

    :raises exception.UnexpectedTaskStateError: when another process works on the server, or did since it was read.
    """

    def __init__(self, instance: t.Any, record: Record) -> None:
        seen = _known(instance)
        self._instance = instance
        self._record = dataclasses.replace(record, state=UNQUIESCING)
        instance.refresh()
        if _known(instance) == seen:
            self.keep()
            instance.refresh()
            if self._is_ours:
                return
        raise exception.UnexpectedTaskStateError(
            instance_uuid=instance.uuid, expected={"task_state": instance.task_state}, actual={"task_state": "another one"}
        )

    @property
    def _is_ours(self) -> bool:
        return Record.of(self._instance) == self._record

    def keep(self, **changes: t.Any) -> Record:
        """Leave a record of how it went."""
        self._record = dataclasses.replace(self._record, **changes)
        self._record.put_on(self._instance)
        self._instance.save()
        return self._record

    def clear(self, ended: Ended | None = None) -> None:
        """Remove the record, unless another process has written it again: that one is at work on the server, and may die."""
        self._instance.refresh()
        if self._is_ours:
            Record.take_off(self._instance)
            if ended:
                ended.put_on(self._instance)
            self._instance.save()


def _known(instance: t.Any) -> tuple[Record | None, Ended | None]:
    return Record.of(instance), Ended.of(instance)


@dataclasses.dataclass(frozen=True)
class Wish:
    """A client's request for a freeze.

    :param until: when Nova thaws, whatever becomes of the client.
    :param token: by which the client recognises its freeze.
    """

    until: datetime.datetime
    token: str | None
    is_probe: bool

    @property
    def patience(self) -> float:
        """Seconds for the guest agent to answer."""
        left = (self.until - _now()).total_seconds()
        return max(1, min(left, CONF.quiesce.agent_timeout))


class Quiescer:
    """Freezes and thaws single servers and keeps the record of it."""

    def __init__(self, computes: Computes) -> None:
        self._computes = computes

    def probe(self, context: t.Any, instance: t.Any, wish: Wish) -> None:
        """Find out whether the guest agent answers, by a thaw of the running server.

        :raises AgentFailed: when it does not.
        """
        patience = wish.patience
        claim = Claim(instance, UNQUIESCING, Record.new(context, UNQUIESCING, _after(patience + _GRACE)))
        try:
            self._computes.thaw(context, instance, patience)
        except AgentLate:
            # The thaw may be carried out late, during the next freeze.
            _keep_thawing(claim)
            raise
        except AgentFailed:
            claim.clear()
            raise
        claim.clear()

    def quiesce(self, context: t.Any, instance: t.Any, wish: Wish) -> Record:
        """Freeze a server.

        :raises AgentFailed: when it is not frozen. Should it freeze later after all, it is thawed.
        """
        patience = wish.patience
        record = Record.new(context, QUIESCING, wish.until, wish.token)
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
                # The freeze may have happened; the record in the database makes the sweep thaw the server.
                with contextlib.suppress(AgentFailed):
                    self._computes.thaw(context, instance, CONF.quiesce.agent_timeout)
                raise

    def unquiesce(self, context: t.Any, instance: t.Any, record: Record) -> Ended | None:
        """Thaw a server and return how its freeze ended.

        None while an abandoned freeze may still take effect: the sweep keeps thawing until none can.

        :raises AgentFailed: when the thaw was not confirmed; the sweep tries again.
        """
        working = dataclasses.replace(record, until=_after(2 * CONF.quiesce.agent_timeout + _GRACE))
        claim = Aside(instance, working) if instance.task_state in _IMAGE_TASKS else Claim(instance, UNQUIESCING, working)
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
            ended = Ended.now(record.token, "unquiesced", intact)
            return ended if _end(claim, is_final, ended) else None

    def rule_out(self, instance: t.Any, token: str) -> Ended:
        """Make sure that a freeze which has not arrived yet is refused when it does."""
        ended = Ended.now(token, "unknown")
        ended.put_on(instance)
        instance.save(expected_task_state=[None])
        return ended

    def expire(self, context: t.Any, instance: t.Any, record: Record, patience: float) -> None:
        """Thaw a server whose time is over, or whose process has died.

        The record is removed only once the guest is certainly not frozen. Until then the thaw is tried again.

        :param patience: seconds to wait for the guest agent.
        :raises AgentFailed: when the thaw was not confirmed.
        """
        if _is_switched_off(instance):
            _forget(instance, Ended.now(record.token, "stopped"))
            return
        if instance.task_state not in _OUR_TASKS:
            # Nova's task may take long; the guest must not stay frozen meanwhile.
            LOG.warning("Server %s has the task %s and is thawed meanwhile.", instance.uuid, instance.task_state)
            self._computes.thaw(context, instance, patience)
            return
        if record.state == QUIESCED:
            LOG.warning("Server %s was not unquiesced in time and is thawed now.", instance.uuid)
        claim = Claim(instance, UNQUIESCING, dataclasses.replace(record, until=_after(patience + _GRACE)))
        if instance.vm_state in _STANDING_STILL:
            claim.keep(state=UNQUIESCING, until=_after(CONF.quiesce.sweep_interval), settled=_after(_LATEST_TURN))
            return
        with _recorded(context, instance, "unquiesce"):
            is_final = _now() >= record.settled
            try:
                self._computes.thaw(context, instance, patience)
            except AgentFailed as error:
                outcome = _without_agent(context, instance, record, error)
                if outcome:
                    claim.clear(Ended.now(record.token, outcome))
                    return
                claim.keep(state=UNQUIESCING, until=_after(CONF.quiesce.sweep_interval))
                raise
            _end(claim, is_final, Ended.now(record.token, "expired"))

    def _is_still_frozen(self, context: t.Any, instance: t.Any) -> bool:
        """Find out by a second freeze, which the agent of a frozen guest refuses: nova-compute offers no other way."""
        try:
            self._computes.freeze(context, instance, CONF.quiesce.agent_timeout)
        except AgentLate:
            raise
        except AgentFailed as error:
            return error.is_frozen
        return False

    def _give_up(self, context: t.Any, instance: t.Any, claim: Claim, error: AgentFailed) -> None:
        """Undo a freeze that failed, or that is only late."""
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


def _is_switched_off(instance: t.Any) -> bool:
    """Whether the guest that was frozen is certainly gone.

    ERROR says nothing about the guest: Nova and administrators also set it on running servers.
    """
    if instance.task_state not in _OUR_TASKS:
        return False
    if not instance.host or instance.vm_state in _STARTED_AFRESH:
        return True
    return instance.vm_state in _OFF and instance.power_state in (*_NO_POWER, power_state.NOSTATE)


def _without_agent(context: t.Any, instance: t.Any, record: Record, error: AgentFailed) -> str | None:
    """How the freeze of a server that cannot be asked has ended; None when that is uncertain."""
    if error.not_running and instance.vm_state == vm_states.ERROR and instance.power_state in _NO_POWER:
        return "stopped"
    if (error.nothing_pending or error.not_running) and _was_restarted(context, instance, record.settled):
        return "restarted"
    return None


def _was_restarted(context: t.Any, instance: t.Any, since: datetime.datetime) -> bool:
    """Whether Nova's instance-action log shows a restart of the guest after a moment."""
    actions = objects.InstanceActionList.get_by_instance_uuid(
        context, instance.uuid, filters={"changes-since": since}
    )
    return any(
        event.event in _RESTARTS and event.result == "Success" and _in_utc(event.start_time) > since
        for action in actions
        for event in objects.InstanceActionEventList.get_by_action(context, action.id)
    )


def _in_utc(moment: datetime.datetime) -> datetime.datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=_UTC)


def _forget(instance: t.Any, ended: Ended) -> None:
    """Drop the record of a server that nobody works on."""
    Record.take_off(instance)
    ended.put_on(instance)
    task = instance.task_state
    instance.task_state = None
    instance.save(expected_vm_state=[instance.vm_state], expected_task_state=[task])


def _end(claim: Claim | Aside, is_final: bool, ended: Ended) -> bool:
    """End a claim after a confirmed thaw; returns whether that was final."""
    if is_final:
        claim.clear(ended)
    else:
        claim.keep(state=UNQUIESCING, until=_after(CONF.quiesce.sweep_interval))
    return is_final


def _keep_thawing(claim: Claim | Aside) -> None:
    """Leave a server to the sweep until no request to its agent can take effect any more."""
    claim.keep(state=UNQUIESCING, until=_now(), settled=_after(_LATEST_TURN))


@contextlib.contextmanager
def _recorded(context: t.Any, instance: t.Any, action: str) -> t.Iterator[None]:
    """Record an action and its outcome in the instance-action log."""
    objects.InstanceAction.action_start(context, instance.uuid, action, want_result=False)
    with compute_utils.EventReporter(context, f"api_{action}_instance", CONF.host, instance.uuid):
        yield
    objects.InstanceAction.action_finish(context, instance.uuid, want_result=False)


#: Servers of a cell that one process thaws at once: in total, of one project, and of those tried again.
_AT_ONCE, _OF_A_PROJECT, _OF_RETRIES = 64, 32, 16
#: Seconds for an agent at the first attempt. One that takes longer is asked again after all others.
_FIRST_PATIENCE = 5
#: The longest pause, in seconds, between two attempts.
_LONGEST_PAUSE = 60
#: Seconds after which the search of a cell counts as late.
_LATE_LOOK = 60


@dataclasses.dataclass(frozen=True)
class Job:
    """A server that is to be thawed.

    :param tries: how many attempts have failed.
    """

    context: t.Any
    instance: t.Any
    record: Record
    tries: int

    @property
    def key(self) -> tuple[str, str]:
        return self.instance.uuid, self.record.token

    @property
    def patience(self) -> float:
        limit = CONF.quiesce.agent_timeout
        return limit if self.tries else min(limit, _FIRST_PATIENCE)


def _next(waiting: t.Iterable[Job], running: t.Collection[Job]) -> Job | None:
    """The server to thaw next: first attempts first, then the project with the fewest running, then the longest overdue."""
    of_project = collections.Counter(job.instance.project_id for job in running)
    retries = sum(1 for job in running if job.tries)
    if len(running) >= _AT_ONCE:
        return None
    fitting = (
        job
        for job in waiting
        if of_project[job.instance.project_id] < _OF_A_PROJECT and not (job.tries and retries >= _OF_RETRIES)
    )
    return min(
        fitting, key=lambda job: (job.tries > 0, of_project[job.instance.project_id], job.record.until), default=None
    )


class Thawers:
    """Threads that thaw the servers of one cell, so that hung agents do not delay other servers."""

    def __init__(self, quiescer: Quiescer) -> None:
        self._quiescer = quiescer
        self._pool = concurrent.futures.ThreadPoolExecutor(max_workers=_AT_ONCE)
        self._lock = threading.Lock()
        self._waiting: dict[str, Job] = {}
        self._running: dict[str, Job] = {}
        #: Per freeze how often its thaw has failed, and the earliest time of the next attempt.
        self._failed: dict[tuple[str, str], tuple[int, datetime.datetime]] = {}

    def offer(self, context: t.Any, instance: t.Any, record: Record) -> None:
        """Queue a server to be thawed, unless it is being thawed or was tried a moment ago."""
        with self._lock:
            tries, earliest = self._failed.get((instance.uuid, record.token), (0, _LONG_AGO))
            if instance.uuid in self._running or _now() < earliest:
                return
            self._waiting[instance.uuid] = Job(context, instance, record, tries)
        self._start()

    def _start(self) -> None:
        with self._lock:
            while (job := _next(self._waiting.values(), self._running.values())) is not None:
                self._running[job.instance.uuid] = self._waiting.pop(job.instance.uuid)
                self._pool.submit(self._work, job)

    def _work(self, job: Job) -> None:
        has_failed = not self._try(job)
        with self._lock:
            del self._running[job.instance.uuid]
            self._failed.pop(job.key, None)
            if has_failed:
                pause = min(CONF.quiesce.sweep_interval * 2**job.tries, _LONGEST_PAUSE)
                self._failed[job.key] = (job.tries + 1, _after(pause))
        self._start()

    def _try(self, job: Job) -> bool:
        """Thaw one server.

        :returns: False when it failed, so that the next attempt comes after a pause.
        """
        uuid = job.instance.uuid
        try:
            with job.instance.obj_alternate_context(job.context):
                self._quiescer.expire(job.context, job.instance, job.record, job.patience)
        except exception.UnexpectedTaskStateError:
            LOG.info("Server %s is being worked on; it is looked at again.", uuid)
        except exception.InstanceNotFound:
            LOG.info("Server %s is gone.", uuid)
        except AgentFailed as error:
            LOG.warning("Server %s could not be thawed yet: %s", uuid, error)
            return False
        except Exception:
            LOG.exception("Server %s could not be thawed yet.", uuid)
            return False
        return True


class Sweeper:
    """Thaws the servers of all cells whose time is over.

    Every API process has one; on each host, only the one that holds the lock works. Each cell has its own threads for
    searching and thawing, so that a hung database delays only its own servers.
    """

    def __init__(self, quiescer: Quiescer) -> None:
        self._thawers: dict[str, Thawers] = collections.defaultdict(lambda: Thawers(quiescer))
        self._lock = fasteners.InterProcessLock(
            os.path.join(CONF.oslo_concurrency.lock_path or CONF.state_path, "nova-quiesce-sweep")
        )
        self._cells: list[t.Any] = []
        #: Per search its thread, and since when it runs.
        self._looks: dict[str, tuple[threading.Thread, float]] = {}

    def start(self) -> None:
        _thread("quiesce-sweep", self._run)

    def _run(self) -> None:
        while True:
            time.sleep(random.uniform(0.5, 1) * CONF.quiesce.sweep_interval)
            try:
                if self._lock.acquired or self._lock.acquire(blocking=False):
                    self.sweep()
            except Exception:
                LOG.exception("The search for servers whose time is over failed; it is tried again.")

    def sweep(self) -> None:
        """Start a search of each known cell and one for new cells, and wait for none of them."""
        self._look("the list of cells", self._find_cells)
        for cell in self._cells:
            self._look(f"cell {cell.identity}", self._sweep_cell, cell)

    def _look(self, what: str, act: t.Callable[..., None], *arguments: t.Any) -> None:
        thread, since = self._looks.get(what, (None, 0.0))
        if thread is None or not thread.is_alive():
            self._looks[what] = (_thread(f"quiesce-sweep-{what}", self._guarded, what, act, *arguments), time.monotonic())
        elif time.monotonic() - since > _LATE_LOOK:
            LOG.error("Searching %s has taken %d s so far; its servers are thawed when it answers.", what, time.monotonic() - since)

    @staticmethod
    def _guarded(what: str, act: t.Callable[..., None], *arguments: t.Any) -> None:
        try:
            act(*arguments)
        except Exception:
            LOG.exception("Searching %s failed; it is tried again.", what)

    def _find_cells(self) -> None:
        cells = objects.CellMappingList.get_all(nova_context.get_admin_context())
        self._cells = [cell for cell in cells if not cell.is_cell0()]

    def _sweep_cell(self, cell: t.Any) -> None:
        with nova_context.target_cell(nova_context.get_admin_context(), cell) as context:
            for instance in self._find(context, system_metadata=Record.MARK):
                record = Record.of(instance)
                if record and record.is_due:
                    self._thawers[cell.uuid].offer(_of_owner(context, instance), instance, record)
            for instance in self._find(context, task_state=[QUIESCING, UNQUIESCING]):
                if Record.of(instance) is None and _is_abandoned(instance):
                    _give_back(instance)

    @staticmethod
    def _find(context: t.Any, **filters: t.Any) -> t.Any:
        return objects.InstanceList.get_by_filters(
            context, {"deleted": False, "soft_deleted": True, **filters}, expected_attrs=["system_metadata"]
        )


def _thread(name: str, act: t.Callable[..., None], *arguments: t.Any) -> threading.Thread:
    thread = threading.Thread(target=act, args=arguments, name=name, daemon=True)
    thread.start()
    return thread


def _give_back(instance: t.Any) -> None:
    """Clear the task state that a process left when it died before it did anything."""
    before, instance.task_state = instance.task_state, None
    try:
        instance.save(expected_task_state=[before])
    except (exception.UnexpectedTaskStateError, exception.InstanceNotFound):
        LOG.info("Server %s is being worked on after all, or gone.", instance.uuid)


def _of_owner(context: t.Any, instance: t.Any) -> t.Any:
    """A context for the same cell with the same rights, but with its own request id and in the project of the server."""
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
        """Start this process's sweeper: threads do not survive the fork by which some web servers start their workers."""
        if self._sweeping_process != os.getpid():
            self._sweeping_process = os.getpid()
            Sweeper(self._quiescer).start()

    def _show(self, request: t.Any, server: str) -> webob.Response:
        if request.method != "GET":
            raise webob.exc.HTTPMethodNotAllowed(explanation="Only GET is possible.", headers={"Allow": "GET"})
        context, instance = self._find(request, server)
        self._authorize(context, instance, "show")
        record, ended = _known(instance)
        return _answer(200, record.as_dict() if record else {"state": "none"}, ended)

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
        wish = _wish(arguments)
        context, instance = self._find(request, server)
        self._authorize(context, instance, "quiesce")
        self._require_quiescable(context, instance, wish)
        with _failing(instance, "quiesced", "quiesce"):
            if wish.is_probe:
                self._quiescer.probe(context, instance, wish)
                return _answer(202, {"state": "none"})
            return _answer(202, self._quiescer.quiesce(context, instance, wish).as_dict())

    def _unquiesce(self, request: t.Any, server: str, arguments: t.Any) -> webob.Response:
        token, is_forced = _unquiesce_arguments(arguments)
        context, instance = self._find(request, server)
        self._authorize(context, instance, "unquiesce")
        if is_forced:
            self._authorize(context, instance, "force")
        record, ended = _known(instance)
        if record is None and ended and ended.token == token:
            return _answer(202, {"state": "none"}, ended)
        self._require_releasable(context, instance, token, is_forced)
        with _failing(instance, "unquiesced; Nova keeps trying", "unquiesce"):
            if record is None:
                return _answer(202, {"state": "none"}, self._quiescer.rule_out(instance, t.cast(str, token)))
            ended = self._quiescer.unquiesce(context, instance, record)
        return _answer(202, {"state": "none" if ended else UNQUIESCING}, ended)

    @staticmethod
    def _require_releasable(context: t.Any, instance: t.Any, token: str | None, is_forced: bool) -> None:
        record = Record.of(instance)
        problem = None
        if record is None and token is None:
            problem = "is not quiesced"
        elif record and not is_forced and not record.is_held_by(context, token):
            problem = (
                f"is held by another freeze, since {_shown(record.since)} by request {record.request_id}. Only its "
                "token ends it, or 'force' where the policy allows that"
            )
        elif record and instance.task_state in _IMAGE_TASKS:
            is_at_work = record.state == UNQUIESCING and not record.is_due
            problem = "is being unquiesced by another request; try again" if is_at_work else None
        elif instance.task_state:
            problem = f"is busy with the task {instance.task_state}; try again"
        if problem:
            raise webob.exc.HTTPConflict(explanation=f"Server {instance.uuid} {problem}.")

    def _require_quiescable(self, context: t.Any, instance: t.Any, wish: Wish) -> None:
        record, ended = _known(instance)
        problem = None
        if record:
            problem = f"has been {record.state} since {_shown(record.since)} by request {record.request_id}"
        elif wish.until <= _now():
            problem = f"was to be thawed at {_shown(wish.until)}, which has passed"
        elif ended and ended.token == wish.token:
            problem = f"already had freeze {ended.token}, which ended at {ended.at}"
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
        if record and record.state == QUIESCED and action == _OF_THE_HOLDER and request.headers.get(_TOKEN_HEADER) == record.token:
            return
        if record and record.state in (QUIESCING, QUIESCED):
            raise webob.exc.HTTPConflict(
                explanation=f"Cannot '{action}' server {instance.uuid} while it is {record.state}; unquiesce it first. "
                f"Nova thaws it by itself at {_shown(record.until)}."
            )

    def _find(self, request: t.Any, server: str) -> tuple[t.Any, t.Any]:
        """Find a server, with a context for its cell; the request's own context is left to Nova."""
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
    """Whether threads are eventlet's, and the web server does not run them between two requests."""
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
    """Name and arguments of a server action; None for what Nova itself has to refuse."""
    try:
        body = json.loads(request.body) if request.method == "POST" else None
    except ValueError:
        body = None
    if not isinstance(body, dict) or len(body) != 1:
        return None, None
    return next(iter(body.items()))


def _wish(arguments: t.Any) -> Wish:
    """Read the arguments of 'quiesce'."""
    given = {} if arguments is None else arguments
    timeout, until, token, is_probe = (
        [given.get(name) for name in ("timeout", "until", "token", "probe")] if isinstance(given, dict) else [None] * 4
    )
    is_understood = (
        isinstance(given, dict)
        and set(given) <= {"timeout", "until", "token", "probe"}
        and (timeout is None or (isinstance(timeout, int) and not isinstance(timeout, bool) and timeout >= 1))
        and (until is None or _moment(until) is not None)
        and (token is None or _is_token(token))
        and isinstance(is_probe, (bool, type(None)))
    )
    if not is_understood:
        raise webob.exc.HTTPBadRequest(
            explanation="'quiesce' takes null, or an object with 'timeout' (seconds, 1 or more), 'until' (a time with its "
            "zone), 'token' (up to 64 letters, digits and ._:-) and 'probe' (boolean)."
        )
    default = CONF.quiesce.max_timeout if until else CONF.quiesce.default_timeout
    latest = _after(min(timeout or default, CONF.quiesce.max_timeout))
    return Wish(min(_moment(until) or latest, latest), token, bool(is_probe))


def _unquiesce_arguments(arguments: t.Any) -> tuple[str | None, bool]:
    """Read the token of the freeze to end, and whether to end any other as well."""
    given = {} if arguments is None else arguments
    if isinstance(given, dict) and len(given) <= 1:
        if given.get("force") is True:
            return None, True
        if not given or _is_token(given.get("token")):
            return given.get("token"), False
    raise webob.exc.HTTPBadRequest(explanation="'unquiesce' takes null, {'token': …} or {'force': true}.")


def _is_token(value: t.Any) -> bool:
    return isinstance(value, str) and _TOKEN.fullmatch(value) is not None


@contextlib.contextmanager
def _failing(instance: t.Any, done: str, action: str) -> t.Iterator[None]:
    """Turn a failure into an answer."""
    try:
        yield
    except exception.UnexpectedTaskStateError as error:
        raise webob.exc.HTTPConflict(
            explanation=f"Another task took server {instance.uuid} first, so '{action}' was abandoned. Try again."
        ) from error
    except exception.InstanceNotFound as error:
        raise webob.exc.HTTPNotFound(explanation=error.format_message()) from error
    except AgentLate as error:
        raise webob.exc.HTTPGatewayTimeout(
            explanation=f"Server {instance.uuid} was not {done}: {error} If it becomes frozen later, Nova thaws it."
        ) from error
    except AgentFailed as error:
        raise webob.exc.HTTPConflict(explanation=f"Server {instance.uuid} was not {done}: {error}") from error


def _answer(status: int, content: t.Mapping[str, t.Any], ended: Ended | None = None) -> webob.Response:
    """Make an answer.

    Every answer has the time of this host's clock, by which ``until`` is measured, so that clients need not trust
    their own.
    """
    limits = {name: CONF.quiesce[name] for name in ("default_timeout", "max_timeout")}
    last = {"last": dataclasses.asdict(ended)} if ended else {}
    # Tells clients that they may have images made.
    abilities = {"create_image": True}
    body = json.dumps({"quiesce": {**content, **last, "now": _shown(_now()), **limits, **abilities}})
    return webob.Response(status=status, text=body, content_type="application/json", charset="UTF-8")


def filter_factory(global_conf: t.Any, **local_conf: t.Any) -> t.Callable[[t.Any], QuiesceFilter]:
    return QuiesceFilter
