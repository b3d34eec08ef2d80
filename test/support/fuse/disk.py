"""A file system that shows one folder (SOURCE) at another place (MOUNT), and misbehaves as it is told.

    disk.py faults SOURCE MOUNT    fails or shortens calls
    disk.py fold SOURCE MOUNT      takes spellings of a name that differ in case or in Unicode normalisation for one
                                   name, and keeps the spelling that a file was made with, as APFS does

Commands come as lines of JSON on standard input, answers go to standard output, one line each:

    {"do": "fail", "call": "write", "nth": 3, "error": "ENOSPC", "times": 1, "path": "\\.txt$"}
        the third call from now on fails; `call` may be "*" for every call that changes something, `error` may be
        "short", as of a disk that is full in the middle of a write: half of it is written and counted as written, or
        "slow": the call takes some time more; `times` may be null, for all calls from then on;
        only calls whose path below MOUNT matches the regular expression `path` count
    {"do": "heal"}     nothing fails from now on
    {"do": "counts"}   how often each call was made since the last "counts", and how many failed: {"write": 12, …}
    {"do": "room", "bytes": 1000}   what statfs says is free; null for what SOURCE has
"""

import errno
import json
import os
import re
import sys
import threading
import time
import unicodedata
from collections import Counter

import mfusepy as fuse

SLOW_SECONDS = 0.2


class Rules:
    """Which call fails next."""

    def __init__(self):
        self.lock = threading.Lock()
        self.counts = Counter()
        self.rule = None

    def fail(self, call, nth, error, times=1, path=""):
        with self.lock:
            self.rule = {"call": call, "left": nth, "error": error, "times": times, "path": re.compile(path)}

    def heal(self):
        with self.lock:
            self.rule = None

    def take_counts(self):
        with self.lock:
            counts, self.counts = dict(self.counts), Counter()
            return counts

    def meet(self, call, path):
        """Counts a call that changes something, and lets it wait if the rule says so; raises the error that the rule has
        for it, or answers "short"."""
        outcome = self.count(call, path)
        if outcome == "slow":
            time.sleep(SLOW_SECONDS)
        return outcome

    def count(self, call, path):
        """As `meet`, which answers "slow" as well and waits for nothing."""
        # A file that was removed while it is open has no path.
        path = path or ""
        with self.lock:
            self.counts[call] += 1
            rule = self.rule
            if rule is None or rule["call"] not in ("*", call) or not rule["path"].search(path):
                return None
            if rule["error"] == "short" and call != "write":
                return None
            if rule["left"] > 1:
                rule["left"] -= 1
                return None
            if rule["times"] is not None:
                rule["times"] -= 1
                if rule["times"] == 0:
                    self.rule = None
            if rule["error"] == "slow":
                return "slow"
            self.counts["failed"] += 1
            if rule["error"] == "short":
                return "short"
            raise OSError(getattr(errno, rule["error"]), rule["error"])


class Disk(fuse.Operations):
    """Passes every call on to SOURCE. Paths begin with a slash; handles are file descriptors."""

    use_ns = True

    def __init__(self, source, rules):
        self.source = source
        self.rules = rules
        self.room = None
        self.cut = set()

    def place(self, path):
        return self.source + path

    def new_place(self, path):
        """Where an entry is made: nothing is there under this or an equal name."""
        return self.place(path)

    def getattr(self, path, fh=None):
        stats = os.lstat(self.place(path)) if fh is None else os.fstat(fh)
        numbers = {name: getattr(stats, name) for name in ("st_mode", "st_nlink", "st_uid", "st_gid", "st_size", "st_ino", "st_blocks")}
        return {**numbers, "st_atime": stats.st_atime_ns, "st_mtime": stats.st_mtime_ns, "st_ctime": stats.st_ctime_ns}

    def access(self, path, amode):
        if not os.access(self.place(path), amode):
            raise OSError(errno.EACCES, "access")
        return 0

    def readdir(self, path, fh):
        # An entry without a number would be left out by the kernel.
        with os.scandir(self.place(path)) as entries:
            inside = [(entry.name, {"st_ino": entry.inode(), "st_mode": 0}, 0) for entry in entries]
        return [(".", {"st_ino": 1, "st_mode": 0}, 0), ("..", {"st_ino": 1, "st_mode": 0}, 0), *inside]

    def readlink(self, path):
        return os.readlink(self.place(path))

    def statfs(self, path):
        stats = os.statvfs(self.source)
        names = ("f_bavail", "f_bfree", "f_blocks", "f_bsize", "f_favail", "f_ffree", "f_files", "f_flag", "f_frsize", "f_namemax")
        numbers = {name: getattr(stats, name) for name in names}
        if self.room is not None:
            numbers["f_bavail"] = numbers["f_bfree"] = self.room // stats.f_frsize
        return numbers

    def open(self, path, flags):
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_TRUNC):
            self.rules.meet("open", path)
        return os.open(self.place(path), flags & ~os.O_APPEND)

    def create(self, path, mode, fi=None):
        self.rules.meet("create", path)
        return os.open(self.new_place(path), os.O_RDWR | os.O_CREAT, mode)

    def read(self, path, size, offset, fh):
        return os.pread(fh, size, offset)

    def write(self, path, data, offset, fh):
        if (path, offset) in self.cut:
            # The kernel asks for the rest in the same system call, which then answers with what was written.
            self.cut.remove((path, offset))
            raise OSError(errno.ENOSPC, "the rest of a short write")
        if self.rules.meet("write", path) == "short" and len(data) > 1:
            data = data[: len(data) // 2]
            self.cut.add((path, offset + len(data)))
        return os.pwrite(fh, data, offset)

    def truncate(self, path, length, fh=None):
        self.rules.meet("truncate", path)
        os.truncate(self.place(path) if fh is None else fh, length)

    def flush(self, path, fh):
        self.rules.meet("close", path)
        return 0

    def release(self, path, fh):
        os.close(fh)

    def fsync(self, path, datasync, fh):
        self.rules.meet("fsync", path)
        os.fsync(fh)

    def fsyncdir(self, path, datasync, fh):
        self.rules.meet("fsyncdir", path)

    def chmod(self, path, mode):
        self.rules.meet("chmod", path)
        os.chmod(self.place(path), mode)

    def chown(self, path, uid, gid):
        os.lchown(self.place(path), uid, gid)

    def utimens(self, path, times=None):
        self.rules.meet("utimens", path)
        os.utime(self.place(path), ns=times, follow_symlinks=False)

    def mkdir(self, path, mode):
        self.rules.meet("mkdir", path)
        os.mkdir(self.new_place(path), mode)

    def rmdir(self, path):
        self.rules.meet("rmdir", path)
        os.rmdir(self.place(path))

    def unlink(self, path):
        self.rules.meet("unlink", path)
        os.unlink(self.place(path))

    def symlink(self, target, source):
        self.rules.meet("symlink", target)
        os.symlink(source, self.new_place(target))

    def link(self, target, source):
        self.rules.meet("link", target)
        os.link(self.place(source), self.new_place(target))

    def rename(self, old, new):
        self.rules.meet("rename", new)
        os.rename(self.place(old), self.place(new))


def folded(name):
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())


class FoldingDisk(Disk):
    """One entry answers to every spelling of its name."""

    def place(self, path):
        at = self.source
        for name in path.split("/")[1:]:
            at = os.path.join(at, self.spelling(at, name)) if name else at
        return at

    @staticmethod
    def spelling(folder, name):
        """The name under which `folder` has the entry, or `name` where it has none."""
        try:
            names = os.listdir(folder)
        except (FileNotFoundError, NotADirectoryError):
            return name
        if name in names:
            return name
        return next((other for other in names if folded(other) == folded(name)), name)

    def rename(self, old, new):
        """The entry gets the new spelling, also where it takes the place of another one, or only changes its own."""
        self.rules.meet("rename", new)
        source, replaced = self.place(old), self.place(new)
        target = os.path.join(os.path.dirname(replaced), os.path.basename(new))
        os.rename(source, replaced)
        if replaced == source:
            os.rename(source, target)
        elif replaced != target:
            os.rename(replaced, target)


def obey(disk, rules):
    """Carries out commands until standard input ends, then ends the process: the test is gone."""
    for line in sys.stdin:
        command = json.loads(line)
        what = command.pop("do")
        answer = {}
        if what == "fail":
            rules.fail(**command)
        elif what == "heal":
            rules.heal()
        elif what == "counts":
            answer = rules.take_counts()
        elif what == "room":
            disk.room = command["bytes"]
        else:
            answer = {"error": f"unknown command {what}"}
        print(json.dumps(answer), flush=True)


def main():
    mode, source, mount = sys.argv[1:]
    rules = Rules()
    disk = {"faults": Disk, "fold": FoldingDisk}[mode](source, rules)
    threading.Thread(target=obey, args=(disk, rules), daemon=True).start()
    # The kernel keeps no names or attributes: it would take spellings for different files, and hide changes.
    uncached = {"attr_timeout": 0, "entry_timeout": 0, "negative_timeout": 0}
    fuse.FUSE(disk, mount, foreground=True, use_ino=True, hard_remove=True, default_permissions=True, max_threads=4, **uncached)


if __name__ == "__main__":
    main()
