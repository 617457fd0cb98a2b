"""Commands, files and sockets inside network namespaces."""

from __future__ import annotations

import concurrent.futures
import ctypes
import os
import socket
import subprocess
import threading
from pathlib import Path
from typing import Callable, Iterable, TypeVar

from .errors import LabError

T = TypeVar("T")
DIRECTORY = Path("/run/netns")
_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
# Files that commands inherit: a lock among them is held until the last command has ended,
# also when the process that started it was killed.
inherited: set[int] = set()


def path(name: str) -> str:
    return str(DIRECTORY / name)


def exists(name: str) -> bool:
    return (DIRECTORY / name).exists()


def command(name: str, *words: str) -> list[str]:
    """The command line that runs `words` in the namespace. Not `ip netns exec`: that
    mounts a sysfs of its own and hides /sys/fs/bpf."""
    return ["nsenter", f"--net={path(name)}", "--", *words]


def run(name: str, *words: str, check: bool = True, timeout: float = 30.0,
        stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    return call(command(name, *words), check=check, timeout=timeout, stdin=stdin)


def call(words: list[str], check: bool = True, timeout: float = 30.0,
         stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Runs a command; a failure becomes a LabError with what it said."""
    done = subprocess.run(words, capture_output=True, text=True, timeout=timeout, check=False,
                          input=stdin, pass_fds=tuple(inherited))
    if check and done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise LabError(f"`{' '.join(words)}` failed with status {done.returncode}: {said}")
    return done


def ip_batch(lines: Iterable[str], name: str | None = None) -> None:
    """Runs many `ip` commands in one process, in the namespace or in the host's."""
    text = "\n".join(lines) + "\n"
    words = ["ip", *(["-n", name] if name else []), "-batch", "-"]
    call(words, stdin=text)


def set_sysctls(name: str, values: dict[str, str]) -> None:
    """Writes /proc/sys/net/… of the namespace; keys are relative to that."""
    def write() -> None:
        for key, value in values.items():
            Path("/proc/sys/net", key).write_text(value, encoding="ascii")

    inside(name, write)


def pids(name: str) -> list[int]:
    if not exists(name):
        return []
    done = call(["ip", "netns", "pids", name], check=False)
    return [int(p) for p in done.stdout.split()]


def inside(name: str, work: Callable[[], T]) -> T:
    """Runs `work` on a thread of its own that has entered the namespace. Sockets that
    it makes stay there, whoever uses them later."""
    outcome: list[T] = []
    failure: list[BaseException] = []

    def enter() -> None:
        try:
            handle = os.open(path(name), os.O_RDONLY | os.O_CLOEXEC)
            try:
                if _libc.setns(handle, _CLONE_NEWNET) != 0:
                    number = ctypes.get_errno()
                    raise OSError(number, os.strerror(number), path(name))
            finally:
                os.close(handle)
            outcome.append(work())
        except BaseException as error:  # handed to the caller below
            failure.append(error)

    thread = threading.Thread(target=enter, name=f"netns-{name}")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]


def make_socket(name: str, family: int, kind: int, protocol: int = 0) -> socket.socket:
    return inside(name, lambda: socket.socket(family, kind, protocol))


def in_parallel(jobs: Iterable[Callable[[], T]], workers: int = 8) -> list[T]:
    """Runs the jobs on threads; the first failure is raised when all have ended."""
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        waiting = [pool.submit(job) for job in jobs]
        concurrent.futures.wait(waiting)
        return [future.result() for future in waiting]
