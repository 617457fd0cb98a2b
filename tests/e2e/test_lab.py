"""The lab comes up, goes away without a trace, and survives being killed at any point."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Iterator

import pytest
from lab import checks, netns
from lab import plan as plans
from lab.api import wait_until
from lab.capture import Capture
from lab.demo_steps import clear_text
from lab.errors import LabError
from lab.journal import Journal
from lab.lab import Lab, agent_name, instance
from lab.plan import Machine
from lab.scenario import leftovers, open_link
from lab.traffic import UdpSender, arrived

pytestmark = pytest.mark.root
ROOT = Path(__file__).resolve().parents[2]
PORT = 18080
PLAN = """graph small {
  "x1" [enclosure="north"]; "y1" [enclosure="south"];
  "xctl" [role=controller]; "xleaf" [role=switch, lldp="1s"];
  "x1":"fab0" -- "xleaf":"p1"; "y1":"fab0" -- "xleaf":"p2"; "xctl":"fab0" -- "xleaf":"p3";
}
"""


@pytest.fixture(name="small")
def _small(tmp_path: Path) -> Iterator[tuple[Lab, Path]]:
    """A second lab beside the session's, not up, and its plan."""
    path = tmp_path / "small.dot"
    path.write_text(PLAN, encoding="ascii")
    lab = instance("test", PORT)
    lab.down()
    yield lab, path
    lab.down()
    assert leftovers(lab, plans.parse(PLAN).namespaces) == []


def _command(*words: str) -> list[str]:
    return [sys.executable, "-m", "lab", "--instance", "test", "--port", str(PORT), *words]


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(_command(*words), cwd=ROOT, capture_output=True, text=True, timeout=60,
                          check=False)


def test_up_status_exec_down(small: tuple[Lab, Path]) -> None:
    lab, path = small
    lab.up(path)
    assert lab.status()["phase"] == "up"
    assert {n["state"] for n in lab.status()["nodes"]} == {"online"}
    assert _run("exec", "x1", "sh", "-c", "exit 7").returncode == 7
    assert "acc0" in _run("exec", "--dpu", "x1", "ip", "-br", "link").stdout
    again = _run("up", str(path))
    assert again.returncode == 1 and "a lab is up already" in again.stderr
    unknown = _run("exec", "zz", "true")
    assert unknown.returncode == 1 and 'no node "zz"; it has x1, y1' in unknown.stderr
    assert not list(lab.run_directory.glob("**/*.token.*")) and not list(
        lab.run_directory.glob("nodes/*/join.token"))
    assert lab.down()
    assert leftovers(lab, plans.parse(PLAN).namespaces) == []
    assert not lab.down()


@pytest.mark.parametrize("after_s", [0.15, 0.4, 0.7, 1.0, 1.5, 2.2])
def test_killed_half_way_up(small: tuple[Lab, Path], after_s: float) -> None:
    lab, path = small
    process = subprocess.Popen(_command("up", str(path)), cwd=ROOT, start_new_session=True,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(after_s)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    if lab.phase() == "half":
        # The next `up` clears away what is there, or `down` does: take turns.
        if after_s in (0.4, 1.0):
            lab.up(path)
            assert lab.status()["phase"] == "up"
    lab.down()
    assert leftovers(lab, plans.parse(PLAN).namespaces) == []


def test_the_last_command_of_a_killed_run_is_waited_for(tmp_path: Path) -> None:
    """Or it makes things after `down` looked for them."""
    journal = Journal(tmp_path / "lab")
    process = subprocess.Popen(
        [sys.executable, "-c", "import sys; from pathlib import Path\n"
         "from lab import netns; from lab.journal import Journal\n"
         "Journal(Path(sys.argv[1])).lock()\n"
         "netns.call(['sh', '-c', sys.argv[2]])", str(journal.directory),
         f"cd {tmp_path}; touch begun; until [ -e go ]; do sleep 0.05; done; touch done"],
        cwd=ROOT)
    wait_until("the command to run", (tmp_path / "begun").exists, 10)
    process.kill()
    process.wait()
    threading.Timer(0.3, (tmp_path / "go").touch).start()
    journal.lock()
    journal.unlock()
    assert (tmp_path / "done").exists()


def test_killed_half_way_down(small: tuple[Lab, Path]) -> None:
    lab, path = small
    lab.up(path)
    process = subprocess.Popen(_command("down"), cwd=ROOT, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    time.sleep(0.25)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    lab.down()
    assert leftovers(lab, plans.parse(PLAN).namespaces) == []


def test_every_process_killed(small: tuple[Lab, Path]) -> None:
    """As after the end of a session that takes all its processes with it."""
    lab, path = small
    lab.up(path)
    names = [name for name in plans.parse(PLAN).namespaces if netns.exists(name)]
    for pid in {*lab.processes.alive(), *(p for name in names for p in netns.pids(name))}:
        os.kill(pid, signal.SIGKILL)
    wait_until("the processes to be gone", lambda: lab.phase() == "half", 5)
    assert "half up" in _run("status").stdout
    lab.up(path)
    assert lab.status()["phase"] == "up"


class Watched(Lab):
    """Watches x1's cable from before its agent's first start."""

    fabric: Capture
    arrived: Capture
    senders: list[UdpSender]

    def _join(self, node: Machine, token: str) -> None:
        if node.name == "x1":
            self.fabric = Capture("sw-xleaf", "p1", snap=65535)
            self.arrived = Capture("acc-y1", "eth0")
            self.fabric.start()
            self.arrived.start()
            y1 = self.plan.machines["y1"]
            self.senders = [UdpSender(node, address, pps=300) for address in (y1.v4, y1.v6)]
            for sender in self.senders:
                sender.start()
            time.sleep(0.3)
        super()._join(node, token)


def test_closed_from_boot_to_leaving(small: tuple[Lab, Path]) -> None:
    """Accelerators that send all the time, from before the agent's first start until
    after it left: nothing of it is ever on the fabric in clear, and nothing arrives but
    while there is a lease."""
    plain, path = small
    lab = Watched(plain.run_directory, plain.pin_directory, plain.api_port)
    lab.up(path)
    time.sleep(0.5)
    opened = time.time_ns()
    open_link(lab, "x1", "y1", "20Mbit", "100MB", lease="5s")
    # A handshake may need a second try, and the machine may be busy.
    wait_until("something to arrive", lambda: arrived(lab.node("y1")), 10)
    lab.processes.stop(agent_name("x1"))
    left = netns.run(lab.node("x1").dpu, str(checks.binaries() / "sluice-agent"), "leave",
                     *lab.agent_words("x1"), check=False)
    gone = time.time_ns()
    time.sleep(0.5)
    for sender in lab.senders:
        sender.stop()
    lab.fabric.stop()
    lab.arrived.stop()
    assert left.returncode == 0, left.stderr
    assert not (lab.pin_directory / "x1").exists()
    frames, wrong = clear_text(lab.fabric)
    assert frames > 100 and wrong == 0
    times = [p.time_ns for p in lab.arrived.packets if p.protocol == 17 and not p.outgoing]
    assert times, "the lease carried nothing: this test tests nothing"
    assert min(times) > opened and max(times) < gone + 10_000_000


def test_names_that_are_taken(small: tuple[Lab, Path]) -> None:
    lab, path = small
    netns.call(["ip", "netns", "add", "dpu-x1"])
    try:
        with pytest.raises(LabError, match="the lab did not make them: dpu-x1"):
            lab.up(path)
        assert netns.exists("dpu-x1"), "the lab removed what is not its own"
        assert lab.phase() == "down"
    finally:
        netns.call(["ip", "netns", "delete", "dpu-x1"])


def test_port_that_is_taken(small: tuple[Lab, Path]) -> None:
    lab, path = small
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", PORT))
        holder.listen()
        with pytest.raises(LabError, match=rf"port {PORT} .* taken by .*\(process {os.getpid()}\)"):
            lab.up(path)
    assert lab.phase() == "down"


def test_missing_daemons(small: tuple[Lab, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    lab, path = small
    monkeypatch.setenv("SLUICE_BIN", "/nonexistent")
    with pytest.raises(LabError, match="build with `./run build`"):
        lab.up(path)
    assert lab.phase() == "down"


def test_missing_tools(small: tuple[Lab, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    lab, path = small
    monkeypatch.setattr("shutil.which", lambda tool: None if tool == "nft" else f"/bin/{tool}")
    with pytest.raises(LabError, match="apt-get install nftables"):
        lab.up(path)


def test_not_root(tmp_path: Path) -> None:
    nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    if subprocess.run([*nobody, "test", "-r", str(ROOT / "lab" / "lab.py")],
                      check=False).returncode != 0:
        pytest.skip("this checkout lies where only root can read it")
    done = subprocess.run([*nobody, "/usr/bin/python3", "-m", "lab", "up"], cwd=ROOT,
                          capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1 and "root" in done.stderr and "sudo" in done.stderr
