# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The document that describes a checkpoint completely: its parts, schema, signature, pieces and addresses.

May import core and application.
"""
