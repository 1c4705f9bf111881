# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restoring a checkpoint: plan, preflight, networks, volumes, servers, removal.

May import core, application, cloud, work, manifest, copies and readiness.
"""
