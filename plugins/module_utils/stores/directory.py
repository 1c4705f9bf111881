# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A catalogue in a directory of the machine that runs the modules, for sites without an object store; the operator replicates it.

Whoever replicates it copies files one by one, late, and perhaps in place: any of them may be missing, cut off or of an earlier time, and there may be files of
the program that copies. Only the operator's own path may lead through links: a link below it could lead anywhere on this machine, so none is followed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import typing as t

from ..core.errors import CloudError, NotFound
from .home import Home
from .names import folder_prefix, folders_of, is_part, parts_of
from .store import CatalogueStore, StoredDocument

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
#: Opening a pipe does not wait for somebody who writes into it.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_ONLY_MINE, _ONLY_MY_FOLDER = 0o600, 0o700
#: The end of documents' names, and what a folder's name gets that ends so: both may be there by the same name.
_SUFFIX, _FOLDER_MARK = ".json", "~"
#: How deep folders are in each other below a catalogue.
_DEEPEST = 2
#: What file systems without hard links say when they are asked for one.
_NO_LINKS = (errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.EMLINK)
_HINTS = {
    errno.EACCES: "Let it belong to the user who runs the modules.",
    errno.EROFS: "Mount it so that it can be written to.",
    errno.ENOSPC: "Make room there.",
    errno.EDQUOT: "Make room there.",
}

#: Gives a file that was written, by its temporary name, its own: in a folder.
_Settle = t.Callable[[str, str, int], None]


class DirectoryStore(CatalogueStore):
    """One catalogue in a directory; folders are made as they are needed, but the directory itself must be there.

    :param root: an absolute path.
    """

    def __init__(self, root: str, home: Home) -> None:
        self._root = root
        self._home = home

    @classmethod
    def parse(cls, given: t.Any, home: Home) -> DirectoryStore:
        """Read what clouds.yaml says.

        :raises ValueError: when it is no absolute path.
        """
        path = os.path.expanduser(given) if isinstance(given, str) and given.isprintable() else ""
        if not os.path.isabs(path):
            raise ValueError("'directory' must be an absolute path")
        return cls(path, home)

    @property
    def place(self) -> str:
        return f"directory '{os.path.join(self._root, self._home.path)}' for site '{self._home.cloud.site}'"

    @property
    def identity(self) -> str:
        return self._home.path

    def documents(self, folder: str = "") -> list[StoredDocument]:
        with self._calling("list the documents"), self._root_folder() as root:
            try:
                with _inside(root, [*self._home.folders, *folders_of(folder)]) as opened:
                    return list(_walk(opened, folder_prefix(folder)))
            except FileNotFoundError:
                return []

    def read(self, name: str, at_most: int) -> bytes:
        with self._calling(f"read '{name}'"), self._folder_of(name) as (folder, last):
            with _closing(os.open(last, _FILE, dir_fd=folder)) as opened:
                if not stat.S_ISREG(os.fstat(opened).st_mode):
                    raise CloudError(f"'{name}' in {self.place} is no file.", "Remove it if it is not yours.")
                with open(opened, "rb", closefd=False) as file:
                    return file.read(at_most)

    def write(self, name: str, content: bytes) -> None:
        self._put(name, content, _replace)

    def write_new(self, name: str, content: bytes) -> None:
        self._put(name, content, _link)

    def delete(self, name: str) -> None:
        with self._calling(f"delete '{name}'"), contextlib.suppress(FileNotFoundError), self._folder_of(name) as (folder, last):
            os.unlink(last, dir_fd=folder)
            _to_disk(folder)

    def _put(self, name: str, content: bytes, settle: _Settle) -> None:
        """Write a file under a name that nobody reads, and give it its own once all of it is on the disk."""
        with self._calling(f"write '{name}'"), self._folder_of(name, make=True) as (folder, last):
            temporary = f".{last}.{secrets.token_hex(8)}"
            try:
                with open(os.open(temporary, _NEW_FILE, _ONLY_MINE, dir_fd=folder), "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                settle(temporary, last, folder)
            finally:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(temporary, dir_fd=folder)
            _to_disk(folder)

    @contextlib.contextmanager
    def _folder_of(self, name: str, make: bool = False) -> t.Iterator[tuple[int, str]]:
        """The open folder of a document, and the document's name in it."""
        *folders, last = parts_of(name)
        with self._root_folder() as root, _inside(root, [*self._home.folders, *folders], make) as folder:
            yield folder, last

    def _root_folder(self) -> t.ContextManager[int]:
        """The open directory itself. An empty one is an empty catalogue, but one that is not there is a mistake, or not mounted."""
        try:
            return _closing(os.open(self._root, _FOLDER & ~os.O_NOFOLLOW))
        except FileNotFoundError as error:
            raise CloudError(f"There is no directory '{self._root}' for the catalogues of site '{self._home.cloud.site}'.", "Mount it, or make it.") from error

    @contextlib.contextmanager
    def _calling(self, what: str) -> t.Iterator[None]:
        """Turn the operating system's failures into ours.

        :param what: completes "Could not ...".
        """
        try:
            yield
        except FileNotFoundError as error:
            raise NotFound(f"Could not {what} in {self.place}: it is not there.") from error
        except OSError as error:
            is_link = error.errno in (errno.ELOOP, errno.ENOTDIR)
            reason = "it is a link, or leads through one or through what is no folder" if is_link else error.strerror
            raise CloudError(f"Could not {what} in {self.place}: {reason}.", _HINTS.get(error.errno or 0)) from error


def _replace(temporary: str, name: str, folder: int) -> None:
    os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)


def _link(temporary: str, name: str, folder: int) -> None:
    """Leave a name that is taken: on all hosts that share a file system, of two that give it to a file one succeeds."""
    try:
        os.link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError:
        pass
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if not _is_there(name, folder):
            _replace(temporary, name, folder)


def _is_there(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


@contextlib.contextmanager
def _closing(folder: int) -> t.Iterator[int]:
    try:
        yield folder
    finally:
        os.close(folder)


def _inside(folder: int, names: t.Sequence[str], make: bool = False) -> t.ContextManager[int]:
    """The open folder to which names lead from another one, none of them through a link.

    :param make: whether those are made that are not there.
    """
    opened = os.dup(folder)
    for name in map(_folder_name, names):
        with _closing(opened):
            if make:
                _make(name, opened)
            opened = os.open(name, _FOLDER, dir_fd=opened)
    return _closing(opened)


def _folder_name(name: str) -> str:
    """What a folder is called on the disk."""
    return name + _FOLDER_MARK if name.endswith(_SUFFIX) else name


def _make(name: str, folder: int) -> None:
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, _ONLY_MY_FOLDER, dir_fd=folder)
        _to_disk(folder)


def _to_disk(folder: int) -> None:
    """Have a folder's names survive a power failure, where its file system can be asked for that."""
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
            raise


def _walk(folder: int, prefix: str, depth: int = _DEEPEST) -> t.Iterator[StoredDocument]:
    """What is in a folder and in those inside, as far as it has names of a catalogue's; what vanishes meanwhile is not there."""
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        with contextlib.suppress(FileNotFoundError):
            if not entry.is_dir(follow_symlinks=False):
                if is_part(entry.name):
                    yield StoredDocument(prefix + entry.name, entry.stat(follow_symlinks=False).st_size)
            elif depth and is_part(name := entry.name.removesuffix(_FOLDER_MARK)) and _folder_name(name) == entry.name:
                with _inside(folder, [name]) as inner:
                    yield from _walk(inner, f"{prefix}{name}/", depth - 1)
