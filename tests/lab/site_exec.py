# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command inside a site of the lab: python3 site_exec.py SITE COMMAND [ARGUMENT ...]"""

from __future__ import annotations

import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(here, "module_utils"))

from lab_site import Site, SiteError  # noqa: E402 (the path has to be set first)


def main(arguments):
    if len(arguments) < 2:
        return __doc__
    lab_dir = os.environ.get("OSDR_LAB_DIR", "/var/lib/osdr-lab")
    site = Site(arguments[0], lab_dir)
    try:
        command = site.enter(arguments[1:])
    except SiteError as problem:
        return str(problem)
    os.environ["PATH"] = f"{site.programs_dir()}:/usr/sbin:/usr/bin:/sbin:/bin"
    os.execvp(command[0], command)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
