# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a catalogue keeps its documents: in Swift, in an S3-compatible store, or in a directory.

May import core and cloud.
"""
