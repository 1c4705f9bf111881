# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moving an application between sites: fences, where it runs, what gives place.

May import all other packages.
"""
