# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moving an application between sites: fences, the active site, and servers that an earlier move left behind.

May import all other packages but checkpoint and rollback.
"""
