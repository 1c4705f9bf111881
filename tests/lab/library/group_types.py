# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Group types of Cinder, for which openstack.cloud has no module."""

from __future__ import annotations

import openstack
from ansible.module_utils.basic import AnsibleModule
from openstack.exceptions import SDKException

DOCUMENTATION = """
module: group_types
short_description: Make group types of Cinder
description:
  - Makes public group types that are missing, and sets specs that are missing or differ; removes nothing.
options:
  cloud:
    description: Entry of clouds.yaml, of an administrator.
    type: str
    required: true
  types:
    description: The group types.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Its name.
        type: str
        required: true
      specs:
        description: Its specs.
        type: dict
        default: {}
author: The osdr.openstack authors
"""

RETURN = """
made:
  description: The group types that were made or changed.
  type: list
  elements: str
  returned: always
"""


def lacking(group_type, specs):
    """The specs that a group type lacks; one that does not exist is None."""
    present = group_type.group_specs if group_type else {}
    return {key: value for key, value in specs.items() if present.get(key) != value}


def make(api, name, specs, check_mode):
    """Whether a group type had to be made or changed."""
    group_type = api.find_group_type(name)
    missing = lacking(group_type, specs)
    changed = group_type is None or bool(missing)
    if changed and not check_mode:
        group_type = group_type or api.create_group_type(name=name, is_public=True)
        if missing:
            api.create_group_type_group_specs(group_type, missing)
    return changed


def main():
    module = AnsibleModule(
        argument_spec={
            "cloud": {"type": "str", "required": True},
            "types": {
                "type": "list", "elements": "dict", "required": True,
                "options": {"name": {"type": "str", "required": True}, "specs": {"type": "dict", "default": {}}},
            },
        },
        supports_check_mode=True,
    )
    try:
        api = openstack.connect(cloud=module.params["cloud"]).block_storage
        made = [wanted["name"] for wanted in module.params["types"] if make(api, **wanted, check_mode=module.check_mode)]
    except SDKException as problem:
        module.fail_json(msg=f"Cannot make the group types of {module.params['cloud']}: {problem}")
    module.exit_json(changed=bool(made), made=made)


if __name__ == "__main__":
    main()
