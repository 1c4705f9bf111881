# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only code that uses openstacksdk: one adapter per service, each of which returns records.

May import core.
"""
