# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Doing many things at once and waiting for them: clocks, deadlines, pools, pipelines, signals, progress.

May import core.
"""
