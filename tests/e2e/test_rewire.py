"""Cables are swapped, cut and tapped while the lab runs, and all of it can be undone."""

from __future__ import annotations

import contextlib
import itertools
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Iterator

import pytest
from lab import intruder, lldp, netns, rewire
from lab import plan as plans
from lab.api import wait_until
from lab.errors import LabError
from lab.intruder import LLDP, PROBE, Listener, Lldp, parse_lldp, probe_frame, replay
from lab.journal import process_start
from lab.lab import Lab, instance
from lab.scenario import leftovers

pytestmark = pytest.mark.root
ROOT = Path(__file__).resolve().parents[2]
PORT = 18081
PLAN = """graph wired {
  "r1" [enclosure="north"]; "r2" [enclosure="north"];
  "s1" [enclosure="south"]; "s2" [enclosure="south"];
  "rctl" [role=controller];
  "rl1" [role=switch, lldp="1s"]; "rl2" [role=switch, lldp=yes];
  "r1":"fab0" -- "rl1":"p1"; "r2":"fab0" -- "rl1":"p2"; "rctl":"fab0" -- "rl1":"p3";
  "s1":"fab0" -- "rl2":"p1"; "s2":"fab0" -- "rl2":"p2"; "rl1":"p4" -- "rl2":"p4";
  "r1":"fab1" -- "s1":"fab1" [speed="1Gbit", max_rtt="1ms"];
  "r2":"fab1" -- "s2":"fab1" [speed="1Gbit", max_rtt="1ms"];
}
"""
_serial = itertools.count()


@pytest.fixture(name="wired", scope="module")
def _wired(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    path = tmp_path_factory.mktemp("wired") / "wired.dot"
    path.write_text(PLAN, encoding="ascii")
    lab = instance("rewire", PORT)
    lab.down()
    daemons = _daemons()
    lab.up(path)
    rewire.splice(lab, "r1:fab0", 0)
    rewire.plug_rogue(lab, "rl1")
    rewire.restore(lab)
    yield lab
    # Also when half of it is somewhere else.
    rewire.restore(lab)
    rewire.swap(lab, "r1:fab0", "s1:fab0")
    boxes = [rewire.splice(lab, "r2:fab0", 0), rewire.splice(lab, "r1:fab1")]
    rogue = rewire.plug_rogue(lab, "rl2")
    lab.down()
    assert leftovers(lab, [*plans.parse(PLAN).namespaces, *boxes, rogue]) == []
    # Their parent is gone, and init takes a moment to reap.
    wait_until("no daemon to be left", lambda: _daemons() <= daemons, 5)


def _daemons() -> set[str]:
    found = subprocess.run(["pgrep", "-f", "lldpd|lab/relay.py"], capture_output=True, text=True,
                           check=False).stdout.split()
    return {pid for pid in found if process_start(int(pid))}


@pytest.fixture(name="lab")
def _lab(wired: Lab) -> Iterator[Lab]:
    yield wired
    rewire.restore(wired)
    assert rewire.show(wired)["whole"]


def _heard(node: str, system: str, port: str, seconds: float = 3.0) -> None:
    """Waits until this is what LLDP says on the node's fab0."""
    with Listener(f"dpu-{node}", "fab0", LLDP) as ear:
        ear.wait(seconds, lambda f: not f.outgoing and parse_lldp(f.data) == Lldp(system, port, 4))


def _carrier(node: str, port: str) -> bool:
    done = netns.call(["ip", "-n", f"dpu-{node}", "-j", "link", "show", "dev", port])
    return "LOWER_UP" in json.loads(done.stdout)[0]["flags"]


@contextlib.contextmanager
def _watched(node: str) -> Iterator[list[str]]:
    """What the node's kernel says of its ports meanwhile, filled at the end."""
    said: list[str] = []
    with subprocess.Popen(["ip", "-n", f"dpu-{node}", "monitor", "link"], text=True,
                          stdout=subprocess.PIPE) as monitor:
        try:
            time.sleep(0.1)
            yield said
            time.sleep(0.1)
        finally:
            monitor.terminate()
            said += monitor.communicate()[0].splitlines()


def _passes(src: tuple[str, str], dst: tuple[str, str], destination: bytes = b"\xff" * 6,
            seconds: float = 2.0) -> float:
    """How long one frame takes; sent once, since its arrival at all is not in question."""
    text = f"frame {next(_serial)}.".encode()
    with Listener(*dst) as ear:
        sent = time.monotonic_ns()
        replay(*src, [probe_frame(text, destination)])
        got = ear.wait(seconds, lambda f: not f.outgoing and text in f.data)
    return (got.time_ns - sent) / 1e9


def _lost(src: tuple[str, str], dst: tuple[str, str], destination: bytes = b"\xff" * 6) -> bool:
    try:
        _passes(src, dst, destination, 0.3)
    except LabError:
        return True
    return False


def test_switches_say_where_one_is(lab: Lab) -> None:
    for node, switch, port in (("r1", "rl1", "p1"), ("r2", "rl1", "p2"), ("s2", "rl2", "p2")):
        _heard(node, switch, port)
    with Listener("dpu-r1", "fab0", LLDP) as ear:
        time.sleep(3.1)
    assert len([f for f in ear.frames if not f.outgoing]) in (2, 3, 4)
    with Listener("dpu-r1", "fab1", LLDP) as ear:
        time.sleep(0.1)
    assert not ear.frames
    netns.ip_batch(["link set p1 down", "link set p1 up"], "sw-rl1")
    _heard("r1", "rl1", "p1")
    lab.processes.stop(lldp.process_name("rl1"))
    rewire.restore(lab)
    _heard("r1", "rl1", "p1")


def test_direct_cable_passes_everything(lab: Lab) -> None:
    for destination in (b"\xff" * 6, intruder.LLDP_GROUP, bytes.fromhex("0180c2000003"),
                        bytes.fromhex("020000001234")):
        _passes(("dpu-r1", "fab1"), ("dpu-s1", "fab1"), destination)
        _passes(("dpu-s1", "fab1"), ("dpu-r1", "fab1"), destination)
    assert _lost(("dpu-r1", "fab1"), ("dpu-s2", "fab1"))


def test_swap_between_switches(lab: Lab) -> None:
    with _watched("r1") as said:
        rewire.swap(lab, "r1:fab0", "s1:fab0")
    flags = ["NO-CARRIER" in line for line in said if "fab0@" in line]
    assert True in flags and flags[-1] is False
    assert {m["port"]: m["actual"] for m in rewire.show(lab)["moved"]} == {
        "r1:fab0": "rl2:p1", "s1:fab0": "rl1:p1", "rl1:p1": "s1:fab0", "rl2:p1": "r1:fab0"}
    _heard("r1", "rl2", "p1")
    _heard("s1", "rl1", "p1")
    lab.wait_online()
    # The same, named by the switches' ports, and on one switch.
    rewire.swap(lab, "rl1:p1", "rl2:p1")
    assert rewire.show(lab)["whole"]
    _heard("r1", "rl1", "p1")
    rewire.swap(lab, "r1:fab0", "r2:fab0")
    _heard("r1", "rl1", "p2")
    _heard("r2", "rl1", "p1")


def test_swap_of_direct_cables(lab: Lab) -> None:
    with _watched("s1") as said:
        rewire.swap(lab, "r1:fab1", "r2:fab1")
    assert any("fab1@" in line and "NO-CARRIER" in line for line in said)
    _passes(("dpu-r1", "fab1"), ("dpu-s2", "fab1"), intruder.LLDP_GROUP)
    _passes(("dpu-s1", "fab1"), ("dpu-r2", "fab1"), intruder.LLDP_GROUP)
    assert _lost(("dpu-r1", "fab1"), ("dpu-s1", "fab1"))
    rewire.restore(lab)
    _passes(("dpu-r1", "fab1"), ("dpu-s1", "fab1"))


def test_swap_of_a_direct_cable_with_a_switch(lab: Lab) -> None:
    rewire.swap(lab, "r2:fab0", "r2:fab1")
    _passes(("dpu-r2", "fab0"), ("dpu-s2", "fab1"), intruder.LLDP_GROUP)
    with Listener("dpu-r2", "fab1", LLDP) as ear:
        ear.wait(3, lambda f: parse_lldp(f.data)[:2] == ("rl1", "p2"))
    moved = {m["port"]: m["actual"] for m in rewire.show(lab)["moved"]}
    assert moved == {"r2:fab0": "s2:fab1", "s2:fab1": "r2:fab0", "r2:fab1": "rl1:p2",
                     "rl1:p2": "r2:fab1"}
    rewire.restore(lab)
    _heard("r2", "rl1", "p2")
    _passes(("dpu-r2", "fab1"), ("dpu-s2", "fab1"))


@pytest.mark.parametrize("port, ends", [
    ("r1:fab0", [("r1", "fab0")]),
    ("rl1:p1", [("r1", "fab0")]),
    ("s1:fab1", [("r1", "fab1"), ("s1", "fab1")]),
])
def test_cut_and_mend(lab: Lab, port: str, ends: list[tuple[str, str]]) -> None:
    rewire.cut(lab, port)
    assert [_carrier(*end) for end in ends] == [False] * len(ends)
    with pytest.raises(LabError, match="is cut already"):
        rewire.cut(lab, port)
    with pytest.raises(LabError, match="mend it first"):
        rewire.splice(lab, port)
    rewire.mend(lab, port)
    assert all(_carrier(*end) for end in ends)
    with pytest.raises(LabError, match="is not cut"):
        rewire.mend(lab, port)


def test_bridge_in_a_cable_keeps_lldp(lab: Lab) -> None:
    rewire.splice(lab, "r1:fab0")
    _passes(("dpu-r1", "fab0"), ("dpu-r2", "fab0"))
    _passes(("dpu-r2", "fab0"), ("dpu-r1", "fab0"))
    with Listener("dpu-r1", "fab0", LLDP) as ear:
        time.sleep(2.2)
    assert not ear.frames
    with pytest.raises(LabError, match="a box in the cable"):
        rewire.splice(lab, "rl1:p1", 0)
    rewire.splice(lab, "r1:fab1")
    _passes(("dpu-r1", "fab1"), ("dpu-s1", "fab1"))
    assert _lost(("dpu-r1", "fab1"), ("dpu-s1", "fab1"), intruder.LLDP_GROUP)
    rewire.restore(lab)
    _heard("r1", "rl1", "p1")
    _passes(("dpu-r1", "fab1"), ("dpu-s1", "fab1"), intruder.LLDP_GROUP)


def test_relay_in_a_cable_passes_all_later(lab: Lab) -> None:
    rewire.splice(lab, "r1:fab0", 20_000)
    _heard("r1", "rl1", "p1")
    rewire.splice(lab, "s1:fab1", 5_000)
    for one, other in (("r1", "s1"), ("s1", "r1")):
        assert _passes((f"dpu-{one}", "fab1"), (f"dpu-{other}", "fab1"),
                       intruder.LLDP_GROUP) >= 0.005
        assert _passes((f"dpu-{one}", "fab0"), (f"dpu-{other}", "fab0")) >= 0.020
    # A cut in front of the box is none behind it, and the relay outlives it.
    rewire.cut(lab, "s1:fab1")
    assert not _carrier("s1", "fab1") and _carrier("r1", "fab1")
    rewire.mend(lab, "s1:fab1")
    _passes(("dpu-r1", "fab1"), ("dpu-s1", "fab1"))
    lab.wait_online()


def test_rogue_and_forged_lldp(lab: Lab) -> None:
    name = intruder.plug_rogue(lab, "rl1", "172.31.1.200")
    _passes((name, "eth0"), ("dpu-r1", "fab0"))
    assert netns.run(name, "ping", "-c", "1", "-W", "2", lab.plan.controller_address)
    with Listener("dpu-r1", "fab0", LLDP) as ear:
        intruder.send_lldp("sw-rl1", "p1", "evil", "p9", ttl=77)
        ear.wait(2, lambda f: parse_lldp(f.data) == Lldp("evil", "p9", 77))
    intruder.unplug_rogue(lab)
    assert not netns.exists(name)


def test_probes_are_heard_and_played_again(lab: Lab) -> None:
    text = b"a probe worth hearing"
    with Listener("sw-rl1", "p1", PROBE) as ear:
        replay("dpu-r1", "fab0", [probe_frame(text)])
        heard = ear.wait(2, lambda f: text in f.data and not f.outgoing)
    with Listener("dpu-s1", "fab1", PROBE) as ear:
        replay("dpu-r1", "fab1", [heard])
        assert ear.wait(2, lambda f: text in f.data).data == heard.data


@pytest.mark.parametrize("a, b, words", [
    ("r1:fab0", "r1:fab0", "the ends of one cable"),
    ("r1:fab1", "s1:fab1", "the ends of one cable"),
    ("rl1:p4", "rl2:p4", "the ends of one cable"),
    ("r1:fab0", "rl2:p1", "a switch's port and a node's"),
    ("r1:fab7", "s1:fab0", 'no port "fab7"; it has'),
    ("zz:fab0", "s1:fab0", "the plan has r1"),
    ("r1", "s1:fab0", "write it as a1:fab0"),
    ("rl1:p4", "rl2:p1", "loop of switches"),
])
def test_swaps_that_are_refused(lab: Lab, a: str, b: str, words: str) -> None:
    with pytest.raises(LabError, match=words):
        rewire.swap(lab, a, b)
    assert rewire.show(lab)["whole"]


def test_restore_after_a_kill(lab: Lab) -> None:
    """At any point: whatever was half done, the plan comes back."""
    for step in ("_take_out", "_make_box", "_put_in", "_patch", "_set_carriers"):
        code = ("import sys, os, signal\nfrom lab import rewire, rewire_steps\n"
                "from lab.lab import instance\n"
                "def die(*_): os.kill(os.getpid(), signal.SIGKILL)\n"
                f"lab = instance('rewire', {PORT})\n"
                "rewire.swap(lab, 'r1:fab0', 's2:fab1')\n"
                f"rewire_steps.{step} = die\n"
                "rewire.splice(lab, 'r1:fab0', 0) if sys.argv[1] == '_make_box' else "
                "rewire.swap(lab, 'r2:fab0', 'r1:fab1')\n")
        done = subprocess.run([sys.executable, "-B", "-c", code, step], cwd=ROOT, check=False,
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == -signal.SIGKILL, done.stderr
        with pytest.raises(LabError, match="was interrupted"):
            rewire.cut(lab, "r1:fab0")
        rewire.restore(lab)
        for node in ("r1", "r2"):
            _passes((f"dpu-{node}", "fab1"), (f"dpu-{node.replace('r', 's')}", "fab1"))
        _passes(("dpu-r1", "fab0"), ("dpu-s2", "fab0"))
    _heard("r1", "rl1", "p1")
    lab.wait_online()


def test_command_line(lab: Lab) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-B", "-m", "lab", "--instance", "rewire", "--port",
                               str(PORT), "rewire", *words], cwd=ROOT, capture_output=True,
                              text=True, timeout=60, check=False)

    assert "as planned" in run("show").stdout
    assert run("swap", "r1:fab0", "r2:fab0").returncode == 0
    assert "box-rl2-p1" in run("splice", "s1:fab0", "--delay", "1ms").stdout
    assert run("cut", "s2:fab0").returncode == 0
    shown = json.loads(run("show", "-o", "json").stdout)
    assert shown["cut"] == ["s2:fab0"] and not shown["whole"] and len(shown["moved"]) == 4
    assert shown["spliced"] == [
        {"port": "s1:fab0", "namespace": "box-rl2-p1", "delay_us": 1000}]
    assert "a relay with a delay of 1000 us" in run("show").stdout
    bad = run("splice", "s1:fab1", "--delay", "soon")
    assert bad.returncode == 1 and "no delay" in bad.stderr
    assert run("restore").returncode == 0
    assert "as planned" in run("show").stdout


def test_without_a_lab() -> None:
    with pytest.raises(LabError, match="no lab is up"):
        rewire.cut(instance("none"), "r1:fab0")
    assert not instance("none").run_directory.exists()
