# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a catalogue keeps its documents.

May import core and cloud.
"""
