# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only place that knows openstacksdk: one adapter per service, each returns records.

May import core.
"""
