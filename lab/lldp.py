"""lldpd on the switches of the plan that have lldp=yes: each port says once a second which
switch and port it is."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from . import netns
from .api import wait_until
from .journal import process_start
from .plan import Machine

if TYPE_CHECKING:
    from .lab import Lab

INTERVAL_S = 1
_HOLD = 4  # intervals that an announcement is good for
# Where Debian's lldpd locks itself in; the package's own service makes it, and so does lldpd.
_CHROOT = Path("/run/lldpd")


def process_name(switch: str) -> str:
    return f"lldp-{switch}"


def start_all(lab: Lab) -> None:
    """Starts those that do not run. Waits for nothing: they speak when they are ready."""
    for switch in lab.plan.switches:
        if switch.lldp and lab.processes.pid(process_name(switch.name)) is None:
            start(lab, switch)


def start(lab: Lab, switch: Machine) -> None:
    """To end it, lab.processes.stop(process_name(…))."""
    if not _CHROOT.exists():
        lab.journal.record("lldpd_directory", path=str(_CHROOT))
        # Made here, because two that start at once would both try.
        (_CHROOT / "etc").mkdir(parents=True)
    base = lab.run_directory / "lldp"
    base.mkdir(exist_ok=True)
    config = base / f"{switch.name}.conf"
    # br0 is the switch itself; tmp.* are devices on their way (rewire.py).
    pattern = "*,!br0,!tmp.*"
    config.write_text(f"configure system hostname {switch.name}\n"
                      "configure lldp portidsubtype ifname\n"
                      f"configure lldp tx-interval {INTERVAL_S}\n"
                      f"configure lldp tx-hold {_HOLD}\n", encoding="ascii")
    # -d -d: in the foreground, and nothing to syslog. No address of management: it has none.
    lab.processes.start(process_name(switch.name), switch.namespaces[0], [
        "lldpd", "-d", "-d", "-k", "-u", str(base / f"{switch.name}.socket"), "-O", str(config),
        "-I", pattern, "-m", "!*", "-S", "switch of the Sluice lab"])


def restart(lab: Lab, switch: Machine) -> None:
    """After devices of the switch were exchanged: lldpd takes a new one of the same name and
    number for the old one, and stays silent on it. SIGKILL, or it would say farewell on all
    ports. A switch that does not speak stays silent."""
    name = process_name(switch.name)
    if lab.processes.pid(name) is None:
        return
    pids = [pid for pid in netns.pids(switch.namespaces[0]) if _is_lldpd(pid)]
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    # All of them hold the lock of the socket.
    wait_until(f"the end of {name}", lambda: not any(process_start(pid) for pid in pids), 5)
    start(lab, switch)


def _is_lldpd(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip() == "lldpd"
    except OSError:
        return False


def clear(lab: Lab) -> None:
    """Removes what lldpd would leave behind, if it was not there before the lab."""
    for entry in lab.journal.entries("lldpd_directory"):
        shutil.rmtree(entry["path"], ignore_errors=True)
