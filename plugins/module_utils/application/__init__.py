# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The unit of protection as an operator defines it: tiers, servers and their health checks.

May import core.
"""
