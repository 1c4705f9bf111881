# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parallel work and waiting: clocks, deadlines, pools, pipelines, signals, progress, programs.

May import core.
"""
