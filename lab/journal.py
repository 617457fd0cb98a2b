"""What the lab has made, written down before it is made, so that a lab which was killed
at any point can be cleared away by the next `up` or `down`.

All of it lives in one directory. A lock on the directory itself keeps two runs of
`up` or `down` from working at once; it goes with the process that holds it and the
commands that this one started.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

from . import netns
from .errors import LabError

# What the last command of a killed run may still take.
_ORPHANS_S = 30.0


def process_start(pid: int) -> int | None:
    """When the process started, in clock ticks since boot: with it a pid names one
    process for ever. None if there is no such process, or it is a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else int(fields[19])


class Journal:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.path = directory / "journal"
        self._lock: int | None = None

    def exists(self) -> bool:
        return self.directory.exists()

    def lock(self) -> None:
        """Makes the directory if need be and takes the lock, or says who has it. The last
        commands of a run that was killed are waited for."""
        deadline = time.monotonic() + _ORPHANS_S
        while True:
            self.directory.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(handle)
                if self._owner_lives() or time.monotonic() > deadline:
                    owner = self.latest("owner").get("pid", "unknown")
                    raise LabError(f"another `lab up` or `lab down` is at work (process {owner}); "
                                   "wait for it to end") from None
                time.sleep(0.01)
                continue
            # The directory may have been removed between open and lock.
            if os.path.exists(self.directory) and os.fstat(handle).st_ino == os.stat(
                    self.directory).st_ino:
                self._lock = handle
                netns.inherited.add(handle)
                return
            os.close(handle)

    def unlock(self) -> None:
        if self._lock is not None:
            netns.inherited.discard(self._lock)
            os.close(self._lock)
            self._lock = None

    def _owner_lives(self) -> bool:
        owner = self.latest("owner")
        return bool(owner) and process_start(owner["pid"]) == owner["start"]

    def record(self, kind: str, **fields: Any) -> None:
        line = json.dumps({"kind": kind, **fields}) + "\n"
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(line)

    def entries(self, kind: str) -> list[dict[str, Any]]:
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
        except OSError:
            return []
        found = []
        for line in lines:
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:
                continue  # the writer was killed in this line: nothing was made yet
            if entry.get("kind") == kind:
                found.append(entry)
        return found

    def latest(self, kind: str) -> dict[str, Any]:
        entries = self.entries(kind)
        return entries[-1] if entries else {}

    def remove(self) -> None:
        """Removes the directory; the journal goes last, so that a kill in here is
        followed by a `down` that still knows everything."""
        if not self.directory.exists():
            return
        for entry in self.directory.iterdir():
            if entry == self.path:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        self.path.unlink(missing_ok=True)
        self.directory.rmdir()
