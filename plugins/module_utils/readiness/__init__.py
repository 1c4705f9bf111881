# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health checks, and the gates between tiers.

May import core, application, cloud, work and quiesce.
"""
