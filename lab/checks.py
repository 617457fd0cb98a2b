"""What the lab needs of the machine, said politely when it is not there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from .errors import LabError

TOOLS = {
    "dot": "graphviz", "ip": "iproute2", "nft": "nftables", "nsenter": "util-linux",
    "ping": "iputils-ping", "ss": "iproute2", "tc": "iproute2", "lldpd": "lldpd",
}
DAEMONS = ("sluice-controller", "sluice-agent", "sluicectl")
BPFFS = Path("/sys/fs/bpf")
_BPF_FS_MAGIC = "bpf"


def binaries() -> Path:
    """Where the daemons are: $SLUICE_BIN, else build/bin of this repository."""
    default = Path(__file__).resolve().parent.parent / "build" / "bin"
    return Path(os.environ.get("SLUICE_BIN") or default)


def check_root(what: str = "lab") -> None:
    if os.geteuid() != 0:
        raise LabError(f"the {what} makes network namespaces and loads BPF programs, which only "
                       "root may; run it with sudo, or as root")


def check_tools() -> None:
    missing = {tool: package for tool, package in TOOLS.items() if shutil.which(tool) is None}
    if missing:
        packages = " ".join(sorted(set(missing.values())))
        raise LabError(f"missing programs: {', '.join(missing)}; install them with "
                       f"`apt-get install {packages}`")


def check_daemons() -> None:
    missing = [name for name in DAEMONS if not os.access(binaries() / name, os.X_OK)]
    if missing:
        raise LabError(f"{', '.join(missing)} not found in {binaries()}; build with `./run build`, "
                       "or set SLUICE_BIN to where they are")


def port_holder(port: int) -> str:
    """Who listens on the TCP port, in words; empty if nobody does."""
    done = subprocess.run(["ss", "-Hltnp", f"sport = :{port}"], capture_output=True, text=True,
                          check=False)
    if not done.stdout.strip():
        return ""
    user = re.search(r'\("([^"]+)",pid=(\d+)', done.stdout)
    return f"{user.group(1)} (process {user.group(2)})" if user else "another process"


def bpffs_mounted() -> bool:
    for line in Path("/proc/mounts").read_text(encoding="ascii", errors="replace").splitlines():
        fields = line.split()
        if fields[1] == str(BPFFS) and fields[2] == _BPF_FS_MAGIC:
            return True
    return False
