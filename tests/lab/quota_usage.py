# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print how much of a quota of Cinder a project of the lab uses, by Cinder's own count.

That is not always what there is: a service that is killed at work leaves it wrong.
"""

from __future__ import annotations

import argparse

import openstack


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cloud", help="an administrator's")
    parser.add_argument("project", help="its name")
    parser.add_argument("quota")
    options = parser.parse_args()
    cloud = openstack.connect(cloud=options.cloud)
    project = cloud.identity.find_project(options.project, ignore_missing=False)
    answer = cloud.block_storage.get(f"/os-quota-sets/{project.id}", params={"usage": "true"})
    usage = answer.json()["quota_set"][options.quota]
    print(usage["in_use"] + usage["reserved"])


if __name__ == "__main__":
    main()
