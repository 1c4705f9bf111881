# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports of runs: from what a run returned (given) over facts and views to the page that people read."""
