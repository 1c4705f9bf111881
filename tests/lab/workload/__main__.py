# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Load generator and checker of the application shop: python tests/lab/workload --help."""

from __future__ import annotations

import sys

from shop_workload.cli import main

if __name__ == "__main__":
    sys.exit(main())
