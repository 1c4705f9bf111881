# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The set of snapshots of one moment: what is taken together, how, and what is proved of it.

May import core, application, cloud, work and quiesce.
"""
