# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write many small files in one task: a site has dozens, and a task for each costs most of a restart."""

from __future__ import annotations

import os
import shutil

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = """
module: config_files
short_description: Write several configuration files at once
description:
  - Writes each file whose content or mode differs, and makes the directories that it needs.
options:
  directories:
    description: Directories that are made where they are missing, with their owners.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: The directory.
        type: path
        required: true
      owner:
        description: Its owner.
        type: str
        default: root
  files:
    description: The files.
    type: list
    elements: dict
    default: []
    suboptions:
      dest:
        description: Where the file goes.
        type: path
        required: true
      content:
        description: What is in it.
        type: str
        required: true
      mode:
        description: Its permissions, octal.
        type: str
        default: "0644"
      once:
        description: Leave a file that is there as it is; something else goes on changing it.
        type: bool
        default: false
author: The osdr.openstack authors
"""

RETURN = """
written:
  description: The files and directories that were written.
  type: list
  elements: str
  returned: always
"""


def current(path):
    """Content and permissions of a file, None when there is none."""
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read(), os.stat(path).st_mode & 0o7777
    except FileNotFoundError:
        return None


def write(path, content, mode):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    part = f"{path}.part"
    with open(part, "w", encoding="utf-8") as stream:
        os.fchmod(stream.fileno(), mode)
        stream.write(content)
    os.replace(part, path)


def main():
    module = AnsibleModule(
        argument_spec={
            "directories": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "path": {"type": "path", "required": True},
                    "owner": {"type": "str", "default": "root"},
                },
            },
            "files": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "dest": {"type": "path", "required": True},
                    "content": {"type": "str", "required": True},
                    "mode": {"type": "str", "default": "0644"},
                    "once": {"type": "bool", "default": False},
                },
            },
        },
        supports_check_mode=True,
    )
    written, diff = [], []
    for entry in module.params["directories"]:
        if os.path.isdir(entry["path"]):
            continue
        written.append(entry["path"])
        if not module.check_mode:
            # The other site may be making the same place for its mount.
            os.makedirs(entry["path"], exist_ok=True)
            shutil.chown(entry["path"], entry["owner"])
    for entry in module.params["files"]:
        path, content, mode = entry["dest"], entry["content"], int(entry["mode"], 8)
        before = current(path)
        if before == (content, mode) or (before and entry["once"]):
            continue
        written.append(path)
        diff.append({"before_header": path, "after_header": path, "before": before[0] if before else "", "after": content})
        if not module.check_mode:
            write(path, content, mode)
    module.exit_json(changed=bool(written), written=written, diff=diff)


if __name__ == "__main__":
    main()
