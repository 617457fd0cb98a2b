"""Daemons of the lab: started in a namespace, found again by pid and start time."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Iterable, Sequence

from . import netns
from .errors import LabError
from .journal import Journal, process_start


class Processes:
    """Starts, finds and ends the lab's daemons; the journal is their only record."""

    def __init__(self, journal: Journal, log_directory: Path) -> None:
        self._journal = journal
        self._logs = log_directory
        # Keeps Popen objects so that children of this very process are reaped.
        self._children: dict[int, subprocess.Popen[bytes]] = {}

    def log_path(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def start(self, name: str, namespace: str, words: Sequence[str],
              pass_fds: Sequence[int] = ()) -> int:
        """Starts a daemon in a session of its own; its output goes to the log."""
        if self.pid(name) is not None:
            raise LabError(f"{name} runs already (process {self.pid(name)})")
        self._logs.mkdir(parents=True, exist_ok=True)
        with open(self.log_path(name), "ab") as log:
            child = subprocess.Popen(netns.command(namespace, *words), stdin=subprocess.DEVNULL,
                                     stdout=log, stderr=log, start_new_session=True,
                                     pass_fds=pass_fds, cwd="/")
        # A kill between these two lines leaves a process that the journal does not name;
        # `down` still finds it by its namespace.
        self._journal.record("process", name=name, pid=child.pid, start=process_start(child.pid))
        self._children[child.pid] = child
        return child.pid

    def pid(self, name: str) -> int | None:
        """The process's pid if it lives."""
        for entry in reversed(self._journal.entries("process")):
            if entry["name"] == name:
                alive = entry["start"] and process_start(entry["pid"]) == entry["start"]
                return entry["pid"] if alive else None
        return None

    def alive(self) -> list[int]:
        """The pids of all daemons that live."""
        return [entry["pid"] for entry in self._journal.entries("process")
                if entry["start"] and process_start(entry["pid"]) == entry["start"]]

    def log_tail(self, name: str, lines: int = 12) -> str:
        try:
            text = self.log_path(name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return "(no log)"
        return "\n".join(text.splitlines()[-lines:])

    def stop(self, name: str, grace: float = 5.0) -> None:
        """Asks with SIGTERM, insists with SIGKILL after `grace` seconds."""
        pid = self.pid(name)
        if pid is None:
            return
        _signal(pid, signal.SIGTERM)
        if not self._wait(pid, grace):
            _signal(pid, signal.SIGKILL)
            self._wait(pid, grace)

    def kill(self, name: str) -> None:
        """SIGKILL to the one process, as a crash would; what it started lives on."""
        pid = self.pid(name)
        if pid is None:
            raise LabError(f"{name} does not run")
        os.kill(pid, signal.SIGKILL)
        self._wait(pid, 5.0)

    def _wait(self, pid: int, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            child = self._children.get(pid)
            if child is not None and child.poll() is not None:
                del self._children[pid]
                return True
            # A child is over when it can be reaped: before that its threads may still hold
            # its sockets.
            if child is None and process_start(pid) is None:
                return True
            time.sleep(0.01)
        return False


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def end_all(pids: Iterable[int], grace: float = 3.0) -> list[int]:
    """Ends these processes, SIGTERM first; returns those that even SIGKILL left alive."""
    alive = {pid: start for pid in pids if pid != os.getpid()
             and (start := process_start(pid)) is not None}
    for number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, 5.0)):
        for pid in alive:
            _signal(pid, number)
        end = time.monotonic() + seconds
        while alive and time.monotonic() < end:
            _reap(alive)
            alive = {p: s for p, s in alive.items() if process_start(p) == s}
            time.sleep(0.02)
    return list(alive)


def _reap(pids: Iterable[int]) -> None:
    for pid in pids:
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            pass
