# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How modules reach their cloud."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  cloud:
    description:
      - The cloud to work on, by the name of its entry in C(clouds.yaml), or as a dictionary with a whole such entry.
      - Not needed when O(auth) is given or the C(OS_*) environment variables are set.
    type: raw
  auth:
    description:
      - What the authentication plugin needs, for C(password) for example C(auth_url), C(username), C(password), C(project_name).
    type: dict
  auth_type:
    description:
      - Name of the authentication plugin.
    type: str
  region_name:
    description:
      - Name of the region.
    type: str
  validate_certs:
    description:
      - Whether certificates of the API endpoints are verified.
    type: bool
    aliases: [verify]
  ca_cert:
    description:
      - Path of a bundle of certificate authorities.
    type: str
    aliases: [cacert]
  client_cert:
    description:
      - Path of a client certificate.
    type: str
    aliases: [cert]
  client_key:
    description:
      - Path of the client certificate's key.
    type: str
    aliases: [key]
  api_timeout:
    description:
      - Seconds until a call of an API that does not answer is given up.
    type: int
  interface:
    description:
      - Which endpoints of the service catalogue are used.
    type: str
    choices: [admin, internal, public]
    default: public
    aliases: [endpoint_type]
requirements:
  - openstacksdk >= 4.14.0
notes:
  - Options for authentication have the names and the meaning they have in the collection C(openstack.cloud),
    so that the module defaults of one action group serve both.
"""
