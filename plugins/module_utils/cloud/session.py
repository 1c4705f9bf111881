# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connect to a cloud, and turn the SDK's failures into ours.

Together with the adapters of the services (:mod:`.block_storage`, :mod:`.compute`,
:mod:`.network`, :mod:`.object_store`) this is the only place that knows openstacksdk.
How requests are repeated is in :mod:`.repeating`.
"""

from __future__ import annotations

import contextlib
import functools
import math
import re
import threading
import typing as t

from ..core import leeway
from ..core.errors import TOO_MANY, CloudError, InvalidInput, NoAnswer, NotFound
from ..core.libraries import library
from ..core.records import Quota
from ..core.text import told
from . import repeating
from .shape import shaped
from .site_clock import SiteClock

#: How openstack.cloud's options are called in ``openstack.connect``.
_CONNECT_OPTIONS = {
    "auth_type": "auth_type",
    "auth": "auth",
    "region_name": "region_name",
    "validate_certs": "verify",
    "ca_cert": "cacert",
    "client_cert": "cert",
    "client_key": "key",
    "api_timeout": "api_timeout",
    "interface": "interface",
}


#: What reading an answer ends with that is not what was asked for.
NONSENSE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
_LONGEST_REASON = 1000
#: Before the host of a URL, some have a user's name and password.
_LOGIN = re.compile(r"(?<=://)[^/\s]+@")
#: A token is renewed so long before its end.
_TOKEN_MARGIN_SECONDS = 180
#: For how long a site is tried to be logged in at: its Keystone may be restarted, and a site that is gone must be told soon.
_LOGIN_SECONDS = 45


def _sdk(submodule: str = "") -> t.Any:
    return library("openstack" + submodule, "openstacksdk")


class Cloud:
    """One site, seen as one user in one project.

    :param connection: ``openstack.connection.Connection``.
    :param site: how messages call the site; the name of the cloud in clouds.yaml.
    """

    def __init__(self, connection: t.Any, site: str) -> None:
        self.connection = connection
        self.site = site
        self.clock = SiteClock(site)
        self._known: dict[str, t.Any] = {}
        self._asking = threading.Lock()

    def remembered(self, what: str, ask: t.Callable[[], t.Any]) -> t.Any:
        """What a site answers to a question whose answer does not change meanwhile; it is asked once."""
        with self._asking:
            if what not in self._known:
                self._known[what] = ask()
            return self._known[what]

    def setting(self, name: str) -> t.Any:
        """What the site's entry in clouds.yaml, or secure.yaml, has by a name that is not the SDK's; None when it has nothing."""
        return self.connection.config.config.get(name)

    @functools.cached_property
    def project_id(self) -> str:
        with self.calling("find out the project of the credentials"):
            return self.connection.current_project_id

    @functools.cached_property
    def roles(self) -> frozenset[str]:
        """Names of the roles that the credentials have in their project; none where the way of logging in does not tell."""
        session = self.connection.session
        with self.calling("find out the roles of the credentials"):
            access = session.auth.get_access(session) if hasattr(session.auth, "get_access") else None
            return frozenset(access.role_names if access else ())

    def service(self, name: str) -> t.Any:
        """The SDK's client of a service, e.g. ``compute``.

        The SDK negotiates for each request the microversion that it needs, unless clouds.yaml or the environment pin one: then
        answers lack what is newer, without a word. So a pin is not heeded.
        """
        client = getattr(self.connection, name)
        client.default_microversion = None
        return client

    def has(self, service: str) -> bool:
        """Whether the site's catalogue has a service, by its type, e.g. ``load-balancer``."""
        with self.calling(f"find out whether it has {service}"):
            return bool(self.connection.has_service(service))

    def warm_up(self, seconds: int) -> None:
        """Renew the token unless it is valid for so many seconds, so that nothing has to log in meanwhile."""
        session = self.connection.session
        with self.calling("log in again"):
            if session.auth.get_access(session).will_expire_soon(stale_duration=seconds + _TOKEN_MARGIN_SECONDS):
                session.invalidate()
                session.get_token()

    def in_project(self, project_id: str) -> Cloud:
        """Connect as the same user in another project, for calls that act on their caller's project."""
        if project_id == self.project_id:
            return self
        with self.calling(f"get a token for project {project_id}"):
            other = Cloud(self.connection.connect_as_project({"id": project_id}), self.site)
            repeating.install(other.connection)
            other.log_in()
        return other

    def log_in(self) -> None:
        """Get a token, and read the site's clock from this answer and all others."""
        self.clock.listen(self.connection.session.session.hooks)
        self.connection.authorize()

    @contextlib.contextmanager
    def calling(self, what: str, repeats: bool = False) -> t.Iterator[None]:
        """Turn what the SDK raises inside into a :class:`CloudError` naming the site.

        :param what: completes "Site 'x' could not ...".
        :param repeats: whether what is inside may be done twice, although its method (POST) does not say so.
        """
        exceptions = _sdk(".exceptions")
        keystone = library("keystoneauth1.exceptions", "keystoneauth1")
        try:
            # The SDK may have to log in and to ask for versions before.
            with leeway.patient(), repeating.repeats(True) if repeats else contextlib.nullcontext():
                yield
        except exceptions.NotFoundException as error:
            raise NotFound(*self._message(what, error), **_facts(error)) from error
        except (exceptions.SDKException, keystone.ClientException) as error:
            facts = _facts(error)
            passes = isinstance(error, keystone.ConnectionError) or facts.get("http_status") in repeating.PASSING
            raise (NoAnswer if passes else CloudError)(*self._message(what, error), **facts) from error
        except NONSENSE as error:
            # A proxy's page with status 200, for instance: no answer is trusted to have a shape.
            raise CloudError(f"Site '{self.site}' could not {what}: its answer makes no sense ({error!r}).") from error

    @staticmethod
    def check(response: t.Any) -> None:
        """Raise for the status of a plain call, as the SDK does for its own."""
        _sdk(".exceptions").raise_from_response(response)

    @classmethod
    def json(cls, response: t.Any) -> dict[str, t.Any]:
        """The body of a plain call, for what the SDK has no or a wrong method for."""
        cls.check(response)
        return response.json()

    def all_of(self, api: t.Any, path: str, key: str, newest: str | None = None, **query: t.Any) -> list[dict[str, t.Any]]:
        """All that a list call returns, page by page, as the service words it: a site may bound how many it lists at once.

        The SDK finds the next page only where the service calls the link to it as the list itself, which Cinder does for some of its lists only.

        :param api: the service's adapter.
        :param key: of the list in the answer.
        :param newest: the newest microversion to ask with; the service's own is used when it is older.
        :raises ValueError: when the service answers with the same page again.
        """
        version = _sdk(".utils").maximum_supported_microversion(api, newest)
        found: list[dict[str, t.Any]] = []
        while True:
            answer = self.json(api.get(path, params=query, microversion=version))
            found += answer[key]
            if not answer[key] or not _links_to_more(answer):
                return found
            marker = found[-1]["id"]
            if marker == query.get("marker"):
                raise ValueError(f"the page after {told(str(marker))} is the one before it")
            query = {**query, "marker": marker}

    def all_by_offset(
        self, api: t.Any, path: str, key: str, newest: str | None = None, expected: float = math.inf, **query: t.Any
    ) -> list[dict[str, t.Any]]:
        """All that a list call returns of which the service lists only so many, and links to no next page.

        It is asked until nothing more comes, or what is expected is there.

        :param newest: as :meth:`all_of` has it.
        :param expected: how many there are; unlimited where only the service knows, which may tell it as ``total``.
        :raises ValueError: when the service answers with the same page again.
        """
        version = _sdk(".utils").maximum_supported_microversion(api, newest)
        found: list[dict[str, t.Any]] = []
        page: list[dict[str, t.Any]] = []
        while len(found) < expected:
            answer = self.json(api.get(path, params={**query, "offset": len(found)}, microversion=version))
            if not answer[key]:
                break
            if answer[key] == page:
                raise ValueError(f"the page after {len(found)} is the one before it")
            page = answer[key]
            found += page
            expected = min(expected, answer.get("total", math.inf))
        return found

    @staticmethod
    def quotas(quota_set: t.Mapping[str, t.Any], used: str = "in_use") -> dict[str, Quota]:
        """Read the answer of a quota call; all services answer alike.

        :param used: how the service calls what is in use.
        """
        return {name: _quota(name, usage, used) for name, usage in quota_set.items() if isinstance(usage, dict)}

    def _message(self, what: str, error: Exception) -> tuple[str, str | None]:
        status = getattr(error, "status_code", 0)
        hint = {
            401: "Check the credentials.",
            403: "The credentials lack the permission for it.",
            413: "A quota is used up.",
            **dict.fromkeys(TOO_MANY, "It allows only so many requests at a time. Lower concurrency, or have its operator raise the limit."),
        }.get(status)
        return f"Site '{self.site}' could not {what}: {_reason(error)}.", hint


@shaped
def _quota(name: str, found: t.Mapping[str, t.Any], used: str) -> Quota:
    return Quota(name, found["limit"], found[used] + found.get("reserved", 0))


def _links_to_more(answer: t.Mapping[str, t.Any]) -> bool:
    """Whether an answer links to a next page, whatever it calls its links."""
    links = [link for name, listed in answer.items() if name.endswith("_links") for link in listed]
    return any(link["rel"] == "next" for link in links)


def _reason(error: Exception) -> str:
    text = getattr(error, "details", None) or getattr(error, "message", None) or str(error)
    return told(_LOGIN.sub("", str(text)), _LONGEST_REASON).rstrip(".")


def _facts(error: Exception) -> dict[str, t.Any]:
    facts = {
        "http_status": getattr(error, "status_code", None) or getattr(error, "http_status", None),
        "request_id": getattr(error, "request_id", None),
    }
    return {key: value for key, value in facts.items() if value is not None}


def connect(params: t.Mapping[str, t.Any]) -> Cloud:
    """Connect with a module's own authentication options.

    :param params: the module's parameters, with openstack.cloud's names.
    :raises CloudError: when the cloud is unknown, out of reach or refuses the credentials.
    """
    cloud = params.get("cloud")
    options = {
        theirs: params[ours] for ours, theirs in _CONNECT_OPTIONS.items() if params.get(ours) is not None
    }
    if isinstance(cloud, dict):
        return _connect(_site_name(cloud), **cloud)
    return _connect(cloud or "the one of OS_* variables", cloud=cloud, **options)


def own_options(params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The parameters of a module that :func:`connect` needs, for another process that must reach the same cloud."""
    return {name: params.get(name) for name in ("cloud", *_CONNECT_OPTIONS)}


def connect_other(cloud: str | dict[str, t.Any]) -> Cloud:
    """Connect to a further cloud, given by name or by its whole configuration."""
    if isinstance(cloud, dict):
        return _connect(_site_name(cloud), **cloud)
    return _connect(cloud, cloud=cloud)


def _site_name(config: t.Mapping[str, t.Any]) -> str:
    auth = config.get("auth") or {}
    return config.get("cloud") or config.get("region_name") or _LOGIN.sub("", auth.get("auth_url") or "") or "unnamed"


def _connect(site: str, **options: t.Any) -> Cloud:
    sdk = _sdk()
    exceptions = _sdk(".exceptions")
    keystone = library("keystoneauth1.exceptions", "keystoneauth1")
    try:
        connection = sdk.connect(**options)
    # The latter for a dictionary with what the plugin does not take.
    except (exceptions.ConfigException, keystone.ClientException, TypeError) as error:
        raise InvalidInput(
            f"Cloud '{site}' cannot be used: {_reason(error)}.",
            "Name an entry of clouds.yaml (see OS_CLIENT_CONFIG_FILE) or give a complete configuration.",
        ) from error
    repeating.install(connection)
    cloud = Cloud(connection, site)
    with cloud.calling("log in"), leeway.patient(_LOGIN_SECONDS):
        cloud.log_in()
    return cloud
