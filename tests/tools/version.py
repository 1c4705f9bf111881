# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Begin a release, or find out whether one has begun.

With a version: put it wherever the next one is named, and turn the changelog's fragments into its entry. Without: fail unless the version in
galaxy.yml has its entry and nothing has been changed since. What the fragments tell of decides how far the version must rise, see "Versions" in
CONTRIBUTING.md.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
BREAKING = {"breaking_changes", "removed_features"}
ADDING = {"major_changes", "minor_changes", "deprecated_features"}
FIELD = re.compile(r"^version: (\S+)$", re.MULTILINE)
#: What is set up from a release names it.
NAMED = ("awx/vars/main.yml", "docs/awx.md", "execution-environment.yml")

Version = tuple[int, int, int]


class NotReady(Exception):
    """Says what is missing for a release."""


def parse(text: str) -> Version:
    """:raises NotReady: for anything but three numbers; what is not for everybody is not released."""
    if not re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", text):
        raise NotReady(f"{text} is not a version of three numbers, like 0.2.0.")
    major, minor, patch = map(int, text.split("."))
    return major, minor, patch


def least(last: Version, kinds: set[str]) -> Version:
    """The lowest version that may follow, by what the fragments tell of."""
    major, minor, patch = last
    if kinds & BREAKING and major:
        return major + 1, 0, 0
    if kinds & (BREAKING | ADDING):
        return major, minor + 1, 0
    return major, minor, patch + 1


def fragments(root: Path) -> list[dict]:
    """What the next entry is made of."""
    return [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted((root / "changelogs" / "fragments").glob("*.yml"))]


def released(root: Path) -> list[Version]:
    """The versions that have an entry, in order."""
    changelog = root / "changelogs" / "changelog.yaml"
    return sorted(map(parse, yaml.safe_load(changelog.read_text(encoding="utf-8"))["releases"])) if changelog.is_file() else []


def rename(root: Path, text: str) -> None:
    """Put a version in the place of the one that galaxy.yml has."""
    galaxy = root / "galaxy.yml"
    before = FIELD.search(galaxy.read_text(encoding="utf-8"))[1]
    places = {galaxy: FIELD, **{root / name: re.compile(rf"(?<![\d.]){re.escape(before)}(?![\d.])") for name in NAMED}}
    if parse(before) not in released(root):
        # Nobody has had it: what was to come with it comes with this one.
        places |= dict.fromkeys((root / "plugins").rglob("*.py"), re.compile(rf"^ *version_added: ['\"]?{re.escape(before)}['\"]?$", re.MULTILINE))
    for path, pattern in places.items():
        path.write_text(pattern.sub(lambda found: found[0].replace(before, text), path.read_text(encoding="utf-8")), encoding="utf-8")


def begin(root: Path, text: str) -> None:
    """Put the version wherever it is named, and write its entry."""
    wanted, earlier, changes = parse(text), released(root), fragments(root)
    if not changes:
        raise NotReady("There are no fragments in changelogs/fragments: nothing that users notice has changed.")
    lowest = least(earlier[-1], {kind for one in changes for kind in one}) if earlier else wanted
    if wanted < lowest:
        raise NotReady(f"{text} is too low: by the changelog's fragments it is {'.'.join(map(str, lowest))} or higher.")
    rename(root, text)
    subprocess.run(["antsibull-changelog", "release", "--version", text], cwd=root, check=True)


def require_begun(root: Path) -> None:
    """:raises NotReady: unless galaxy.yml's version has its entry, nothing has come since, and all of it is committed."""
    version = FIELD.search((root / "galaxy.yml").read_text(encoding="utf-8"))[1]
    if parse(version) not in released(root) or fragments(root):
        raise NotReady(f"Version {version} has no entry in the changelog, or changes have come since. Begin a release: make version VERSION=…")
    status = subprocess.run(["git", "status", "--porcelain"], cwd=root, check=True, capture_output=True, text=True).stdout
    if status:
        raise NotReady(f"A release is built from what is committed. Commit these, or remove them:\n{status}")


def main() -> int:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("version", nargs="?", help="of the release that begins")
    version = parser.parse_args().version
    try:
        begin(ROOT, version) if version else require_begun(ROOT)
    except NotReady as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
