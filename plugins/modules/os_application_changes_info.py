# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: os_application_changes_info
short_description: List what has changed in an application since a checkpoint
version_added: 0.1.0
description:
  - Compares what a checkpoint says of an application with what runs now, or with another checkpoint. Servers, flavors,
    volumes, ports, networks, rules, routers and tiers that appeared, went or changed are named one by one.
  - Ids are not compared, so checkpoints of both sites, and what runs at either, can be compared with each other.
  - Compared with what runs now, it also names servers that are on the application's networks or in its server groups
    and belong to none of its tiers. No checkpoint protects them. Servers of the application that are gone are named as such.
  - What no restore brings back, such as routes of a router, virtual addresses, or load balancers in front of the application, is compared
    if both sides are of the same site.
  - What an older checkpoint or a site does not tell, such as extra specs of a flavor, is not compared. Whether there is user
    data is compared only between two checkpoints.
author:
  - The osdr.openstack authors (!UNKNOWN)
extends_documentation_fragment:
  - osdr.openstack.auth
  - osdr.openstack.catalogue
  - osdr.openstack.attributes
  - osdr.openstack.attributes.info_module
attributes:
  diff_mode:
    support: full
    details:
      - The module always returns what differs. It changes nothing, so Ansible shows that only if C(changed_when) says so.
options:
  application:
    description:
      - Name of the application.
    type: str
    required: true
  since:
    description:
      - Id of the checkpoint to compare with. V(latest) selects the newest one, V(drill) the one with which the last drill
        passed.
    type: str
    default: latest
  later:
    description:
      - Id of a later checkpoint. What runs now when omitted, which needs O(source_cloud).
    type: str
  require:
    description:
      - Whether to fail when there is no such checkpoint, or no drill has passed. Otherwise RV(since) is null, and nothing is compared.
    type: bool
    default: true
  source_cloud:
    description:
      - The site where the application runs, by name or as a dictionary.
    type: raw
  concurrency:
    description:
      - How many calls of the site's APIs are made in parallel.
    type: int
    default: 8
seealso:
  - module: osdr.openstack.os_checkpoint_info
  - module: osdr.openstack.os_application_info
"""

EXAMPLES = r"""
- name: See what has changed since the last drill
  osdr.openstack.os_application_changes_info:
    cloud: remote
    source_cloud: primary
    application: shop
    since: drill
  register: shop

- name: Fail when there is something
  ansible.builtin.assert:
    that: shop.changes | length == 0
    fail_msg: "{{ shop.changes | map(attribute='text') | join(', ') }}"

- name: Show what has changed with --diff
  osdr.openstack.os_application_changes_info:
    cloud: remote
    source_cloud: primary
    application: shop
  register: shop
  changed_when: ansible_diff_mode and shop.changes | length > 0

- name: Compare two checkpoints
  osdr.openstack.os_application_changes_info:
    cloud: remote
    application: shop
    since: 2026-11-21-noon
    later: 2026-11-22-noon
"""

RETURN = r"""
since:
  description: The checkpoint that was compared with; null when there is none.
  returned: success
  type: str
  sample: 2026-11-22-noon
later:
  description: The later checkpoint; null for what runs now.
  returned: success
  type: str
changes:
  description: Every difference, in the order of kinds and names.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: Kind of the part, for example V(server), V(volume), V(port) or V(rule).
      type: str
    name:
      description: Name of the part, with what it belongs to.
      type: str
      sample: /dev/vdb of server orders-db
    change:
      description: V(appeared), V(went) or V(changed).
      type: str
    attribute:
      description: Which attribute changed; null when the part appeared or went.
      type: str
    before:
      description: Its former value.
      type: raw
    after:
      description: Its value now.
      type: raw
    text:
      description: The same as a sentence.
      type: str
      sample: "volume /dev/vdb of server orders-db: size was 1, is 2"
diff:
  description:
    - What changed, as it was and as it is. Ansible shows it with C(--diff) if the task counts as changed, see the examples.
  returned: success
  type: dict
  contains:
    before:
      description: Parts that went or changed, with their former values.
      type: dict
    after:
      description: Parts that appeared or changed, with their values now, and the servers of no tier.
      type: dict
    before_header:
      description: What was compared with.
      type: str
    after_header:
      description: What was compared.
      type: str
strangers:
  description: Servers that are connected to the application but belong to none of its tiers. Empty when two checkpoints are compared.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Id of the server.
      type: str
    name:
      description: Name of the server.
      type: str
    reasons:
      description: What it shares with the application.
      type: list
      elements: str
      sample: [on network shop-net]
    text:
      description: The same as a sentence.
      type: str
"""

from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import require_name
from ansible_collections.osdr.openstack.plugins.module_utils.capture.comparison import Running, compared, running
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import LATEST, Catalogue
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect, connect_other
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput, NotFound, reported


def run(module, catalogue):
    params = module.params
    application = require_name("the name of an application", params["application"])
    if params["later"] is None and params["source_cloud"] is None:
        raise InvalidInput("What runs now is seen at the site where the application runs.", "Give source_cloud, or the id of a checkpoint as later.")
    try:
        since = catalogue.named(application, params["since"])
    except NotFound:
        if params["require"]:
            raise
        return {"since": None, "later": params["later"], "changes": [], "strangers": [], "diff": {}}
    if params["later"] is None:
        now = running(connect_other(params["source_cloud"]), since.application, params["concurrency"])
    else:
        now = Running(catalogue.named(application, params["later"]).description, ())
    for failure in now.failures:
        module.warn(f"What is not protected was not compared: {failure}")
    return compared(since, params["later"], now)


def main():
    module = args.Module(
        argument_spec=args.spec(
            args.AUTH,
            args.CATALOGUE,
            {
                "application": {"type": "str", "required": True},
                "since": {"type": "str", "default": LATEST},
                "later": {"type": "str"},
                "require": {"type": "bool", "default": True},
                "source_cloud": {"type": "raw"},
                "concurrency": {"type": "int", "default": 8},
            },
        ),
        supports_check_mode=True,
    )
    with reported(module):
        result = run(module, Catalogue.of(connect(module.params), module.params))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
