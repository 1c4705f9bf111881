# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ansible-test finds when it is run."""

from __future__ import annotations

from pathlib import Path

import ansible_test
import sanity


def test_pip_is_at_the_place_where_this_ansible_test_looks(monkeypatch, tmp_path):
    monkeypatch.setattr(sanity, "HOME", tmp_path)
    sanity.prepare_home()
    (script,) = (tmp_path / ".ansible" / "test" / "cache").iterdir()
    version = script.stem.removeprefix("get_pip_").replace("_", ".")
    assert f"pip='{version}'" in (Path(ansible_test.__file__).parent / "_internal" / "python_requirements.py").read_text()
    # It is found by the name that ansible-test makes of the version.
    assert script.name == f"get_pip_{version.replace('.', '_')}.py"
    compile(script.read_text(), script, "exec")


def test_what_is_taken_from_a_repository_is_left_out(tmp_path):
    (tmp_path / "sanity.pylint.txt").write_text("# made by https://example.org\nastroid==4.0.4\ndill @ https://example.org/dill.zip#sha256=0\n")
    (tmp_path / "sanity.validate-modules.txt").write_text("# made by https://example.org\njinja2==3.1.6\n")
    (tmp_path / "units.txt").write_text("dill @ https://example.org/dill.zip\n")
    assert sanity.tests_from_elsewhere(tmp_path) == ["pylint"]
