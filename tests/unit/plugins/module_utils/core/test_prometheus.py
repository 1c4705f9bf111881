# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.osdr.openstack.plugins.module_utils.core.prometheus import Metric, Sample, text


def test_a_metric_is_told_with_its_help_and_type():
    metrics = [Metric("osdr_x", "What it is.", (Sample({"application": "shop"}, 1.5), Sample({}, 2))), Metric("osdr_y", "Nothing.", ())]
    assert text(metrics) == (
        '# HELP osdr_x What it is.\n# TYPE osdr_x gauge\nosdr_x{application="shop"} 1.5\nosdr_x 2\n# HELP osdr_y Nothing.\n# TYPE osdr_y gauge\n'
    )


def test_names_do_not_end_a_label_or_a_line():
    written = text([Metric("osdr_x", "a \\ b\nc", (Sample({"application": 'a"b\\c\nd'}, 1),))])
    assert written == '# HELP osdr_x a \\\\ b\\nc\n# TYPE osdr_x gauge\nosdr_x{application="a\\"b\\\\c\\nd"} 1\n'
