# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the secrets among a module's options. Pure.

A cloud may be given as a whole dictionary. To censor all of it would also censor the names of projects and users wherever they
stand in a result, so what is known to be no secret is left out; whatever is unknown counts as one.
"""

from __future__ import annotations

import json
import re
import typing as t

#: Options that hold a cloud: by name, or as a dictionary like an entry of clouds.yaml.
_CLOUD = re.compile(r"(.+_)?clouds?")
_AUTH = "auth"
_SECRET_NAME = re.compile(r"pass|secret|token|credential|private|key", re.IGNORECASE)
#: What authentication plugins take beside secrets.
_HARMLESS = frozenset(
    """
    auth_url username user_name user_id user_domain_id user_domain_name project_id project_name project_domain_id project_domain_name tenant_id
    tenant_name domain_id domain_name default_domain default_domain_id default_domain_name system_scope trust_id application_credential_id
    application_credential_name identity_provider protocol discovery_endpoint access_token_endpoint access_token_type openid_scope client_id
    mutual_auth service_provider endpoint auth_methods auth_type
    """.split()
)


def secret_texts(options: t.Any, spec: t.Mapping[str, t.Any]) -> set[str]:
    """All secrets of the clouds in a module's options, in every form in which they may appear.

    :param spec: the module's argument spec. Where it has no options of its own, as for a manifest, nothing is looked for: whoever wrote
        that could have results censored otherwise.
    """
    return {form for text in _of_options(options, spec) for form in _forms(text)}


def _of_options(options: t.Any, spec: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    if not isinstance(options, dict):
        return
    for name, rule in spec.items():
        if name == _AUTH:
            yield from _of_auth(options.get(name))
        elif _CLOUD.fullmatch(name):
            yield from _of_cloud(options.get(name))
        elif rule.get("options"):
            inner = options.get(name)
            for one in inner if isinstance(inner, list) else [inner]:
                yield from _of_options(one, rule["options"])


def _of_cloud(value: t.Any) -> t.Iterator[str]:
    """The secrets of a cloud's entry. A text is only the entry's name, and no secret, unless it holds a dictionary."""
    if isinstance(value, str):
        yield from _of_text(value, _of_cloud) if "{" in value else ()
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name == _AUTH:
                yield from _of_auth(inner)
            elif _SECRET_NAME.search(str(name)) and name not in _HARMLESS:
                yield from _leaves(inner)
            else:
                yield from _of_cloud(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _of_cloud(inner)


def _of_auth(value: t.Any) -> t.Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name not in _HARMLESS:
                yield from _leaves(inner)
    elif isinstance(value, str):
        yield from _of_text(value, _of_auth)
    else:
        yield from _leaves(value)


def _of_text(text: str, read: t.Callable[[t.Any], t.Iterator[str]]) -> t.Iterator[str]:
    """The whole of it, and what is in it: Ansible reads dictionaries from texts."""
    yield text
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        # The other form that Ansible reads: name=value name=value.
        found = dict(pair.strip().split("=", 1) for pair in re.split(r"[,\s]+", text) if "=" in pair)
    if isinstance(found, dict):
        yield from read(found)


def _leaves(value: t.Any) -> t.Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for inner in value:
            yield from _leaves(inner)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _forms(text: str) -> t.Iterator[str]:
    """The text itself, and as it stands inside of a dictionary that is printed or written as JSON."""
    if text:
        yield from (text, repr(text)[1:-1], json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
