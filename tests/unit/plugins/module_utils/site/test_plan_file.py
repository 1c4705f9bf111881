# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import SitePlanInvalid
from ansible_collections.osdr.openstack.plugins.module_utils.site import plan_file
from ansible_collections.osdr.openstack.plugins.module_utils.site.plan_file import plan_in


def test_a_file_is_plain_data():
    found = plan_in("a: [1, x, true, null]\nb: {c: 2026-01-01, d: 2026-01-01T00:00:00Z}\n")
    assert found == {"a": [1, "x", True, None], "b": {"c": "2026-01-01", "d": "2026-01-01T00:00:00Z"}}
    assert plan_in("") is None


def test_what_is_merged_may_be_replaced():
    found = plan_in("usual: &usual {a: 1, b: 1}\nnested: {deep: {own: &own {<<: *usual, a: 2}}}\nmine: {<<: *own, b: 3}\n")
    assert (found["mine"]["b"], found["nested"]["deep"]["own"]) == (3, {"a": 2, "b": 1})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("projects:\n  core: 1\n  shop: 2\n  core: 3\n", "Line 4: 'core' is there twice."),
        ("a: 1\n'a': 2\n", "Line 2: 'a' is there twice."),
        ("a: [{b: 1, b: 2}]", "Line 1: 'b' is there twice."),
        ("a: {b: &x {c: 1, c: 2}}\nd: *x\n", "Line 1: 'c' is there twice."),
        ("a: [", "expected"),
        ("a: !!python/object/apply:os.system ['true']", "Line 1: could not determine a constructor for the tag"),
        ("a: !unsafe x", "Line 1: could not determine a constructor for the tag '!unsafe'."),
        ("---\na: 1\n---\nb: 1\n", "Line 3: but found another document."),
        ("a: &a [*a]", "It has more than 2,000,000 values, or contains itself."),
        ("a: &a {b: *a}", "It has more than 2,000,000 values, or contains itself."),
        ("a: \x00", "It is not YAML"),
        ("[" * 20_000, "nest"),
        ("? [a]\n: b", "found unhashable key"),
    ],
)
def test_what_cannot_be_taken_is_told(text, told):
    with pytest.raises(SitePlanInvalid) as caught:
        plan_in(text)
    (problem,) = caught.value.facts["problems"]
    assert told in problem and len(problem) < 300


def test_a_few_lines_do_not_become_without_end():
    lines = ["x0: &x0 [1]", *(f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]" for n in range(1, 30))]
    with pytest.raises(SitePlanInvalid, match="more than 2,000,000 values"):
        plan_in("\n".join(lines))


def test_as_many_values_as_a_plan_may_have_are_read(monkeypatch):
    monkeypatch.setattr(plan_file, "LARGEST", 4)
    assert plan_in("a: [1, 2]") == {"a": [1, 2]}
    with pytest.raises(SitePlanInvalid):
        plan_in("a: [1, 2, 3]")
