# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rolling an application back at the site where it runs: the check, the exchange of its servers, the way back, and the end.

May import all other packages but checkpoint.
"""
