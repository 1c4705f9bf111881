# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The library's packages import only from those that they may, no file imports itself by a detour, and no two classes share a name."""

from __future__ import annotations

import ast
import collections
import functools
import graphlib
import typing as t
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[2] / "plugins"
LIBRARY = PLUGINS / "module_utils"
OTHERS = (PLUGINS / "plugin_utils", PLUGINS / "modules")
ABSOLUTE = "ansible_collections.osdr.openstack.plugins.module_utils"

#: Which packages each may import besides itself, from the bottom to the top.
MAY_IMPORT: dict[str, set[str]] = {
    "core": set(),
    "application": {"core"},
    "cloud": {"core"},
    "work": {"core"},
    "manifest": {"core", "application"},
    "quiesce": {"core", "application", "cloud", "work"},
    "snapshots": {"core", "application", "cloud", "work", "quiesce"},
    "capture": {"core", "application", "cloud", "work", "manifest"},
    "copies": {"core", "cloud", "work", "manifest"},
    "stores": {"core", "cloud"},
    "catalogue": {"core", "application", "cloud", "work", "manifest", "copies", "stores"},
    "readiness": {"core", "application", "cloud", "work", "quiesce"},
    "restore": {"core", "application", "cloud", "work", "manifest", "copies", "readiness"},
    "mapping": {"core", "application", "manifest", "restore"},
}
MAY_IMPORT["failover"] = set(MAY_IMPORT)
MAY_IMPORT["checkpoint"] = set(MAY_IMPORT)
MAY_IMPORT["rollback"] = set(MAY_IMPORT) - {"checkpoint"}
MAY_IMPORT["site"] = {"core", "application", "cloud", "work", "manifest", "stores", "catalogue"}
MAY_IMPORT["status"] = set(MAY_IMPORT) - {"failover", "checkpoint", "rollback"} | {"infrastructure"}
MAY_IMPORT["infrastructure"] = {"core", "cloud", "work", "manifest", "mapping", "site"}
MAY_IMPORT["orchestration"] = {"core", "application", "cloud", "work", "manifest", "stores", "catalogue", "site"}

Imports = dict[str, set[str]]


def module_of(path: Path, library: Path) -> tuple[str, ...]:
    """The dotted name of a file below the library, in parts."""
    parts = path.relative_to(library).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


def targets(node: ast.AST, here: tuple[str, ...]) -> t.Iterator[tuple[str, ...]]:
    """Everything of the library that an import statement may mean, modules and names alike."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.name.startswith(f"{ABSOLUTE}."):
                yield tuple(alias.name.removeprefix(f"{ABSOLUTE}.").split("."))
    elif isinstance(node, ast.ImportFrom):
        module = node.module or ""
        if node.level:
            base = here[: -node.level]
        elif module == ABSOLUTE or module.startswith(f"{ABSOLUTE}."):
            base, module = (), module.removeprefix(ABSOLUTE).removeprefix(".")
        else:
            return
        base += tuple(filter(None, module.split(".")))
        for alias in node.names:
            yield (*base, alias.name)


@functools.cache
def imports(library: Path) -> Imports:
    """Which files of the library each file imports, wherever the import stands."""
    files = {module_of(path, library): path for path in library.rglob("*.py")}
    found: Imports = {".".join(name): set() for name in files}
    for name, path in files.items():
        here = (*name, "__init__") if path.name == "__init__.py" else name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for target in targets(node, here):
                meant = target if target in files else target[:-1]
                if meant in files:
                    found[".".join(name)].add(".".join(meant))
    return found


def package(module: str) -> str:
    return module.partition(".")[0]


def forbidden(found: Imports) -> list[str]:
    """Imports from packages that the importing one may not know."""
    return sorted(
        f"{importer} imports {imported}"
        for importer, everything in found.items()
        for imported in everything
        if package(importer) in MAY_IMPORT and package(imported) not in {package(importer), *MAY_IMPORT[package(importer)]}
    )


def circle(found: Imports) -> list[str]:
    """The files of a circle of imports; none when there is none."""
    try:
        list(graphlib.TopologicalSorter(found).static_order())
    except graphlib.CycleError as error:
        return error.args[1]
    return []


def shared_names(*roots: Path) -> dict[str, list[str]]:
    """Names that more than one class has, but for an underscore before it, each with the files that define one."""
    found = collections.defaultdict(list)
    for path in sorted(path for root in roots for path in root.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                found[node.name.lstrip("_")].append(path.name)
    return {name: files for name, files in found.items() if len(files) > 1}


def test_every_file_is_in_a_package_that_the_order_knows():
    modules = {name for name in imports(LIBRARY) if name}
    assert {package(name) for name in modules} == {*MAY_IMPORT, "args"}


def test_packages_import_only_what_they_may():
    assert forbidden(imports(LIBRARY)) == []


def test_no_file_imports_itself_by_a_detour():
    assert circle(imports(LIBRARY)) == []


def test_no_two_classes_share_a_name():
    assert shared_names(LIBRARY, *OTHERS) == {}


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """A small library with one import upwards, hidden in a function, one circle, and one name for two classes."""
    for name, text in {
        "core/errors.py": "def late():\n    from ..cloud import session\n    return session\n\nclass Plan: ...\n",
        "cloud/session.py": "from .compute import Compute\n",
        "cloud/compute.py": f"import {ABSOLUTE}.cloud.session\n\nclass Plan: ...\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_what_is_planted_is_found(planted: Path):
    assert forbidden(imports(planted)) == ["core.errors imports cloud.session"]
    assert set(circle(imports(planted))) == {"cloud.session", "cloud.compute"}
    assert shared_names(planted) == {"Plan": ["compute.py", "errors.py"]}
