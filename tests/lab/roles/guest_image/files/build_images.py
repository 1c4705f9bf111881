# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the lab's guest images from Debian packages.

No loop device, no mount and no virtual machine is needed: packages are extracted,
the files that a guest needs are picked from them, and the file systems are made
around those files (FAT with syslinux and the kernel, ext4 with everything else).

An image is built only when its inputs (this program, its definition, its overlays)
have changed: a hash of them is kept beside the image.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

MIB = 1024 * 1024
LIBRARY_DIRECTORIES = ("usr/lib/x86_64-linux-gnu", "usr/lib")
BOOT_START = 1 * MIB
BOOT_SIZE = 32 * MIB
ROOT_START = BOOT_START + BOOT_SIZE
SYSLINUX_MBR = pathlib.Path("/usr/lib/syslinux/mbr/mbr.bin")
OWN_DIRECTORY = pathlib.Path(__file__).resolve().parent
OVERLAYS = OWN_DIRECTORY / "overlays"
INITRD_INIT = OWN_DIRECTORY / "initrd-init"
SYSLINUX_CONFIGURATION = OWN_DIRECTORY / "syslinux.cfg"
# Files that have to stay writable while the root file system is frozen live on /run.
LINKS = {"etc/resolv.conf": "/run/resolv.conf", "etc/mtab": "/proc/mounts"}


@dataclasses.dataclass(frozen=True)
class Definition:
    """What one image is made of."""

    name: str
    size_mib: int
    packages: tuple[str, ...]
    files: tuple[str, ...]
    modules: tuple[str, ...]
    overlays: tuple[pathlib.Path, ...]

    @classmethod
    def parse(cls, data: dict) -> Definition:
        return cls(
            name=data["name"],
            size_mib=int(data["size_mib"]),
            packages=tuple(data["packages"]),
            files=tuple(data["files"]),
            modules=tuple(data["modules"]),
            overlays=tuple(OVERLAYS / name for name in data["overlays"]),
        )

    def digest(self) -> str:
        """Hash of everything that decides what the image becomes."""
        described = dataclasses.asdict(self) | {"overlays": [path.name for path in self.overlays]}
        digest = hashlib.sha256(json.dumps(described, sort_keys=True).encode())
        overlaid = sorted(path for overlay in self.overlays for path in overlay.rglob("*") if path.is_file())
        for path in [OWN_DIRECTORY / "build_images.py", INITRD_INIT, SYSLINUX_CONFIGURATION, *overlaid]:
            digest.update(f"\0{path.relative_to(OWN_DIRECTORY)}\0{os.access(path, os.X_OK)}\0".encode())
            digest.update(path.read_bytes())
        return digest.hexdigest()


def run(*command: object, **options) -> str:
    """Run a command; if it fails, say which one and what it said."""
    done = subprocess.run(
        [str(word) for word in command], text=True, capture_output=True, check=False, **options
    )
    if done.returncode:
        raise SystemExit(f"{command[0]} failed with status {done.returncode}:\n{done.stderr or done.stdout}")
    return done.stdout


# Packages ---------------------------------------------------------------------------------


def debian_sources() -> str:
    """The machine's own Debian sources, without other vendors' repositories."""
    sources = run(
        "apt-get", "indextargets", "--format", "deb $(REPO_URI) $(RELEASE) $(COMPONENT)",
        "Created-By: Packages", "Origin: Debian",
    )
    if not sources.strip():
        raise SystemExit("apt knows no Debian packages on this machine: run 'apt-get update' first")
    return sources


def debian_release() -> str:
    """The code name of the Debian release that this machine runs."""
    for line in pathlib.Path("/etc/os-release").read_text(encoding="utf-8").splitlines():
        key, _separator, value = line.partition("=")
        if key == "VERSION_CODENAME":
            return value.strip('"')
    raise SystemExit("/etc/os-release names no VERSION_CODENAME: guest images can only be built on Debian")


def extract_packages(packages: set[str], target: pathlib.Path) -> None:
    run(
        "mmdebstrap", "--quiet", "--mode=root", "--variant=extract",
        f"--include={','.join(sorted(packages))}", debian_release(), target, "-",
        input=debian_sources(),
    )
    merge_usr(target)
    run("depmod", "-b", target, kernel_version(target))


def merge_usr(root: pathlib.Path) -> None:
    """Move /bin, /sbin and /lib* of extracted packages below /usr, as an installed Debian has them."""
    for name in ("bin", "sbin", "lib", "lib64"):
        merged = root / "usr" / name
        merged.mkdir(parents=True, exist_ok=True)
        unmerged = root / name
        if unmerged.is_dir() and not unmerged.is_symlink():
            run("cp", "-a", f"{unmerged}/.", merged)
            shutil.rmtree(unmerged)
        if not unmerged.is_symlink():
            unmerged.symlink_to(f"usr/{name}")


def kernel_version(packages: pathlib.Path) -> str:
    versions = sorted(path.name for path in (packages / "usr/lib/modules").iterdir())
    if len(versions) != 1:
        raise SystemExit(f"expected one kernel among the packages, found: {', '.join(versions) or 'none'}")
    return versions[0]


# The root file system -----------------------------------------------------------------------


def build_root(definition: Definition, packages: pathlib.Path, root: pathlib.Path) -> None:
    """Make the tree that becomes the guest's root file system."""
    for name in ("dev", "proc", "sys", "run", "tmp", "data", "etc", "root", "var/lib", "usr"):
        (root / name).mkdir(parents=True)
    merge_usr(root)
    for pattern in definition.files:
        copy_matching(packages, pattern, root)
    copy_libraries(packages, root)
    for overlay in definition.overlays:
        copy_overlay(overlay, root)
    link_busybox(root)
    for name, destination in LINKS.items():
        (root / name).symlink_to(destination)
    (root / "tmp").chmod(0o1777)
    (root / "root").chmod(0o700)


def copy_matching(packages: pathlib.Path, pattern: str, root: pathlib.Path) -> None:
    found = sorted(packages.glob(pattern))
    if not found:
        raise SystemExit(f"no file of the packages matches {pattern}")
    for source in found:
        copy(source, root / source.relative_to(packages))


def copy(source: pathlib.Path, target: pathlib.Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
    else:
        shutil.copy2(source, target)


def copy_overlay(overlay: pathlib.Path, root: pathlib.Path) -> None:
    """Copy our own files; only the executable bit of their modes is taken over."""
    if not overlay.is_dir():
        raise SystemExit(f"there is no overlay {overlay}")
    for source in (path for path in overlay.rglob("*") if path.is_file()):
        target = root / source.relative_to(overlay)
        copy(source, target)
        target.chmod(0o755 if os.access(source, os.X_OK) else 0o644)


def copy_libraries(packages: pathlib.Path, root: pathlib.Path) -> None:
    """Copy the shared libraries that the programs in the tree need, and those that these need."""
    copy_matching(packages, "usr/lib64/ld-linux-x86-64.so.2", root)
    # Loaded by name when a thread ends, so no program lists it.
    wanted = {"libgcc_s.so.1"} | {name for path in root.rglob("*") for name in needed_libraries(path)}
    done: set[str] = set()
    while wanted:
        name = wanted.pop()
        source = find_library(packages, name)
        copy(source, root / source.relative_to(packages))
        done.add(name)
        wanted |= needed_libraries(source.resolve()) - done


def needed_libraries(path: pathlib.Path) -> set[str]:
    if path.is_symlink() or not path.is_file():
        return set()
    with path.open("rb") as stream:
        if stream.read(4) != b"\x7fELF":
            return set()
    return set(re.findall(r"\(NEEDED\).*\[(.+)\]", run("readelf", "-d", path)))


def find_library(packages: pathlib.Path, name: str) -> pathlib.Path:
    for directory in LIBRARY_DIRECTORIES:
        candidate = packages / directory / name
        if candidate.exists():
            return candidate
    raise SystemExit(f"no package holds the library {name}")


def link_busybox(root: pathlib.Path) -> None:
    """Give busybox's programs their names, except where the tree has the real program."""
    busybox = root / "usr/bin/busybox"
    for path in run(busybox, "--list-full").split():
        merged = root / (path if path.startswith("usr/") else f"usr/{path}")
        if not merged.exists():
            merged.parent.mkdir(parents=True, exist_ok=True)
            merged.symlink_to("/usr/bin/busybox")


# Kernel and first file system -----------------------------------------------------------------


def build_initrd(definition: Definition, packages: pathlib.Path, work: pathlib.Path) -> pathlib.Path:
    """The modules in loading order, busybox, and a script that mounts the root file system."""
    tree = work / "initrd"
    for name in ("bin", "dev", "proc", "root", "modules"):
        (tree / name).mkdir(parents=True)
    copy(packages / "usr/bin/busybox", tree / "bin/busybox")
    (tree / "bin/sh").symlink_to("busybox")
    init = tree / "init"
    shutil.copy2(INITRD_INIT, init)
    init.chmod(0o755)
    for number, module in enumerate(module_order(definition.modules, packages)):
        copy(module, tree / "modules" / f"{number:02d}-{module.name}")
    names = "\0".join(sorted(str(path.relative_to(tree)) for path in tree.rglob("*")))
    archive = work / "initrd.cpio"
    run("cpio", "--quiet", "--null", "-o", "-H", "newc", "-R", "0:0", "-F", archive, input=names, cwd=tree)
    compressed = work / "initrd.lz4"
    # The kernel only unpacks the legacy frame format.
    run("lz4", "-q", "-l", "-9", archive, compressed)
    return compressed


def module_order(names: tuple[str, ...], packages: pathlib.Path) -> list[pathlib.Path]:
    """The modules and all that they depend on, dependencies first."""
    base = packages / "usr/lib/modules" / kernel_version(packages)
    dependencies = read_dependencies(base / "modules.dep")
    ordered: list[str] = []
    for name in names:
        if name not in dependencies:
            raise SystemExit(f"the kernel has no module {name}")
        path, needs = dependencies[name]
        # modules.dep lists them in the reverse of the order in which they are to be loaded.
        ordered += [entry for entry in [*reversed(needs), path] if entry not in ordered]
    return [base / entry for entry in ordered]


def read_dependencies(modules_dep: pathlib.Path) -> dict[str, tuple[str, list[str]]]:
    dependencies = {}
    for line in modules_dep.read_text(encoding="utf-8").splitlines():
        path, _separator, needs = line.partition(":")
        name = pathlib.Path(path).name.partition(".")[0].replace("-", "_")
        dependencies[name] = (path, needs.split())
    return dependencies


def build_disk(definition: Definition, packages: pathlib.Path, root: pathlib.Path, work: pathlib.Path) -> pathlib.Path:
    """Partition table, boot file system and root file system in one raw file."""
    disk = work / "disk.raw"
    with disk.open("wb") as stream:
        stream.truncate(definition.size_mib * MIB)
    layout = f"label: dos\nstart={BOOT_START // 512}, size={BOOT_SIZE // 512}, type=6, bootable\nstart={ROOT_START // 512}, type=83\n"
    run("sfdisk", "--quiet", disk, input=layout)
    with disk.open("r+b") as stream:
        stream.write(SYSLINUX_MBR.read_bytes()[:440])
    fill_boot_file_system(disk, {
        "vmlinuz": packages / "boot" / f"vmlinuz-{kernel_version(packages)}",
        "initrd": build_initrd(definition, packages, work),
        "syslinux.cfg": SYSLINUX_CONFIGURATION,
    })
    run(
        "mke2fs", "-q", "-t", "ext4", "-L", "root", "-d", root, "-E", f"offset={ROOT_START},root_owner=0:0",
        disk, f"{definition.size_mib - ROOT_START // MIB}M",
    )
    return disk


def fill_boot_file_system(disk: pathlib.Path, files: dict[str, pathlib.Path]) -> None:
    partition = f"{disk}@@{BOOT_START}"
    run(
        "mformat", "-i", partition, "-T", BOOT_SIZE // 512, "-h", 64, "-s", 32,
        "-H", BOOT_START // 512, "-v", "BOOT", "::",
    )
    for name, source in files.items():
        run("mcopy", "-i", partition, source, f"::{name}")
    run("syslinux", "--install", "--offset", BOOT_START, disk)


# The command -----------------------------------------------------------------------------------


def build_image(definition: Definition, packages: pathlib.Path, output: pathlib.Path) -> None:
    """Build one image; it appears under its name only when it is complete."""
    with tempfile.TemporaryDirectory(prefix=f".{definition.name}-", dir=output) as directory:
        work = pathlib.Path(directory)
        root = work / "root"
        build_root(definition, packages, root)
        disk = build_disk(definition, packages, root, work)
        finished = work / "finished.qcow2"
        run("qemu-img", "convert", "-c", "-O", "qcow2", disk, finished)
        finished.rename(image_path(output, definition.name))
    stamp_path(output, definition.name).write_text(definition.digest() + "\n", encoding="utf-8")


def image_path(output: pathlib.Path, name: str) -> pathlib.Path:
    return output / f"{name}.qcow2"


def stamp_path(output: pathlib.Path, name: str) -> pathlib.Path:
    return output / f"{name}.inputs"


def up_to_date(definition: Definition, output: pathlib.Path) -> bool:
    stamp = stamp_path(output, definition.name)
    return (
        image_path(output, definition.name).exists()
        and stamp.exists()
        and stamp.read_text(encoding="utf-8").strip() == definition.digest()
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=pathlib.Path, required=True, help="directory of the finished images")
    arguments = parser.parse_args()
    definitions = [Definition.parse(data) for data in json.load(sys.stdin)]
    stale = [definition for definition in definitions if not up_to_date(definition, arguments.output)]
    if stale:
        with tempfile.TemporaryDirectory(prefix=".packages-", dir=arguments.output) as directory:
            packages = pathlib.Path(directory)
            extract_packages({name for definition in stale for name in definition.packages}, packages)
            for definition in stale:
                build_image(definition, packages, arguments.output)
    json.dump({"built": [definition.name for definition in stale]}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
