# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argument specs that modules share, documented by the fragments of the same names, and the module that they belong to."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule

from .core.secrets import secret_texts

#: How to reach the module's own cloud: the names are openstack.cloud's.
AUTH = {
    "cloud": {"type": "raw"},
    # Its secrets are kept out of logs by Module: no_log would censor the names of projects and users too.
    "auth": {"type": "dict", "no_log": False},
    "auth_type": {"type": "str"},
    "region_name": {"type": "str"},
    "validate_certs": {"type": "bool", "aliases": ["verify"]},
    "ca_cert": {"type": "str", "aliases": ["cacert"]},
    "client_cert": {"type": "str", "aliases": ["cert"]},
    "client_key": {"type": "str", "no_log": True, "aliases": ["key"]},
    "api_timeout": {"type": "int"},
    "interface": {
        "type": "str",
        "choices": ["admin", "internal", "public"],
        "default": "public",
        "aliases": ["endpoint_type"],
    },
}

#: How long and how many at once.
EFFORT = {
    "timeout": {"type": "int", "default": 1800},
    "concurrency": {"type": "int", "default": 8},
}

#: An application: its name and tiers, as ``Application.parse`` reads them.
APPLICATION = {
    "application": {
        "type": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "tiers": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "name": {"type": "str", "required": True},
                    "servers": {"type": "list", "elements": "str", "required": True},
                    "checks": {
                        "type": "list",
                        "elements": "dict",
                        "default": [],
                        "options": {
                            "port": {"type": "int"},
                            "http": {
                                "type": "dict",
                                "options": {
                                    "path": {"type": "str", "default": "/"},
                                    "port": {"type": "int"},
                                    "scheme": {"type": "str", "choices": ["http", "https"], "default": "http"},
                                    "host": {"type": "str"},
                                    "status": {"type": "list", "elements": "int", "default": [200]},
                                    "text": {"type": "str"},
                                    "validate_certs": {"type": "bool", "default": True},
                                },
                            },
                            "agent": {"type": "bool"},
                            "command": {"type": "list", "elements": "str"},
                            "timeout": {"type": "int", "default": 300},
                        },
                    },
                },
            },
        },
    },
}

#: How servers are frozen.
QUIESCE = {
    "driver": {"type": "str", "choices": ["auto", "nova", "libvirt", "pause"], "default": "auto"},
    "admin_cloud": {"type": "raw"},
    "libvirt_uri": {"type": "str"},
    "freeze_timeout": {"type": "int", "default": 30},
    "budget": {"type": "int", "default": 60},
    "guard_timeout": {"type": "int", "default": 120},
}

#: How the storage of a site is reached that mirrors volumes.
STORAGE = {
    "backend": {"type": "str", "required": True},
    "pool": {"type": "str", "required": True},
    "user": {"type": "str", "required": True},
    "host": {"type": "str"},
    "conf": {"type": "path"},
    "keyring": {"type": "path"},
    "volume_type": {"type": "str"},
}

#: The further clouds that copying needs.
REPLICATION = {
    "admin_cloud": {"type": "raw"},
    "remote_cloud": {"type": "raw", "required": True},
    "remote_admin_cloud": {"type": "raw"},
    "store_cloud": {"type": "raw"},
    "remote_store_cloud": {"type": "raw"},
    "transport": {"type": "str", "choices": ["shared", "external", "copy", "mirror"], "default": "shared"},
    "storage": {"type": "dict", "options": STORAGE},
    "remote_storage": {"type": "dict", "options": STORAGE},
    "verification": {"type": "str", "choices": ["records", "objects", "readable", "restore"], "default": "objects"},
    "verification_runs": {"type": "int", "default": 1},
}

#: The object store container of the catalogue, and the key that signs what is in it.
CATALOGUE = {
    "container": {"type": "str", "default": "osdr-catalogue"},
    "hmac_key": {"type": "str", "no_log": True},
}

#: The passphrase of the user data in a manifest.
USER_DATA_KEY = {
    "user_data_key": {"type": "str", "no_log": True},
}

#: The public key that seals the keys of encrypted volumes.
VOLUME_PUBLIC_KEY = {
    "volume_public_key": {"type": "str", "no_log": False},
}

#: What the restore of encrypted volumes needs.
ENCRYPTED = {
    "volume_private_key": {"type": "str", "no_log": True},
    "import_cloud": {"type": "raw"},
    "store_cloud": {"type": "raw"},
}

#: Which checkpoint is meant, and in which catalogue it is, as ``published`` reads them.
CHECKPOINT = {
    "application": {"type": "str", "required": True},
    "checkpoint": {"type": "str", "required": True},
    "digest": {"type": "str"},
    "catalogue_cloud": {"type": "raw"},
}

#: Where modules keep what the next ones need of a checkpoint that is not published yet.
DRAFT = {
    "draft": {"type": "path"},
}

#: How the site calls what the application has, as ``SiteMapping.parse`` reads it.
MAPPING = {
    "mapping": {"type": "dict"},
}

#: Whether health checks of the manifest are made that are commands.
COMMAND_CHECKS = {
    "command_checks": {"type": "str", "choices": ["refuse", "skip", "run"], "default": "refuse"},
}

#: How guest agents are asked by health checks.
AGENTS = {
    "quiesce": {
        "type": "dict",
        "default": {},
        "options": {
            "driver": {"type": "str", "choices": ["auto", "nova", "libvirt"], "default": "auto"},
            "admin_cloud": {"type": "raw"},
            "libvirt_uri": {"type": "str"},
        },
    },
}

#: The plan of a whole site, as ``SitePlan.parse`` reads it.
SITE_PLAN = {
    "plan": {"type": "dict", "required": True},
}

#: What may be under way at once over all applications, at each site.
SITE_LIMITS = {
    "limits": {"type": "dict", "default": {}},
}

#: What things are called at the other site, as ``SiteMapping.parse`` reads it, and for single applications.
SITE_NAMES = {
    "mapping": {"type": "dict"},
    "mappings": {"type": "dict", "default": {}},
}

#: How many requests at once.
CONCURRENCY = {
    "concurrency": {"type": "int", "default": 8},
}

#: The drill for which something is made or looked at, and not a real restore.
DRILL = {
    "drill": {"type": "str"},
}

#: The module's own site as an administrator.
ADMIN_CLOUD = {
    "admin_cloud": {"type": "raw"},
}

#: Which servers of a checkpoint are restored.
SERVERS = {
    "servers": {"type": "list", "elements": "str"},
}


#: The other parts of an application over several projects, which are restored beside this one.
OTHER_PARTS = {
    "others": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"cloud": {"type": "raw", "required": True}, "catalogue_cloud": {"type": "raw"}, "digest": {"type": "str"}, **MAPPING},
    },
}


def spec(*parts: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """One argument spec of several parts; later ones win."""
    merged: dict[str, t.Any] = {}
    for part in parts:
        merged.update(part)
    return merged


class Module(AnsibleModule):
    """An Ansible module that knows the secrets in its options wherever they are, before it logs how it was called or fails."""

    def _load_params(self) -> None:
        super()._load_params()
        self.no_log_values |= secret_texts(self.params, self.argument_spec)
