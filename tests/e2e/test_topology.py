"""The wiring is what the plan says, or the link gets no key: what somebody can do to the
cables, and how it is named. Traffic is counted in the accelerators' namespaces."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import time
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
from lab import checks, gate_pins, intruder, netns, rewire
from lab.api import wait_until
from lab.errors import LabError
from lab.intruder import PROBE, Listener, probe_frame, replay
from lab.lab import CONTROLLER, WIREGUARD_SOCKETS, Lab, agent_name, instance
from lab.scenario import close_all
from lab.traffic import UdpSender, arrived

pytestmark = pytest.mark.root
PORT = 18082
# packet(7)
SOL_PACKET, PACKET_QDISC_BYPASS = 263, 20
NAMED = 2.0  # seconds from the change to its name
SILENT = 1.0  # from there to silence
PLAN = """graph wired {
  "t1" [enclosure="north"]; "t2" [enclosure="north"];
  "u1" [enclosure="south"]; "u2" [enclosure="south"];
  "tctl" [role=controller];
  "tl1" [role=switch, lldp="1s"]; "tl2" [role=switch, lldp="1s"];
  "t1":"fab0" -- "tl1":"p1"; "t2":"fab0" -- "tl1":"p2"; "tctl":"fab0" -- "tl1":"p3";
  "u1":"fab0" -- "tl2":"p1"; "u2":"fab0" -- "tl2":"p2"; "tl1":"p4" -- "tl2":"p4";
  "t1":"fab1" -- "u1":"fab1" [speed="1Gbit", max_rtt="1ms"];
  "t2":"fab1" -- "u2":"fab1" [speed="1Gbit", max_rtt="1ms"];
}
"""
WITHOUT_T2 = PLAN.replace('"t2" [enclosure="north"];', "").replace(
    '"t2":"fab0" -- "tl1":"p2"; ', "").replace(
    '"t2":"fab1" -- "u2":"fab1" [speed="1Gbit", max_rtt="1ms"];', "")
DIRECT = "t1:fab1 -- u1:fab1"
LINKS = ("t1>u1", "t2>u1")


@pytest.fixture(name="wired", scope="module")
def _wired(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    path = tmp_path_factory.mktemp("topology") / "wired.dot"
    path.write_text(PLAN, encoding="ascii")
    lab = instance("topology", PORT)
    lab.down()
    lab.up(path, declare=True)
    yield lab
    lab.down()


@pytest.fixture(name="lab")
def _lab(wired: Lab) -> Iterator[Lab]:
    """As planned, with t1>u1 (by the direct cable) and t2>u1 (through the switches) open."""
    _calm(wired)
    for link in LINKS:
        wired.api.set_quota(link, "50Mbit", "10GB")
    wait_until("the links to be open", lambda: _open(wired, *LINKS), 10)
    yield wired
    rewire.restore(wired)
    close_all(wired)


def _calm(lab: Lab) -> None:
    """Nothing wrong, and nothing that still comes and goes."""
    wait_until("the wires to be as planned", lambda: lab.findings() == [], 20)


def _open(lab: Lab, *links: str) -> bool:
    seen = lab.api.links()
    return all(seen[link]["state"] == "open" for link in links)


def _leased(lab: Lab, node: str, link: str) -> bool:
    """What the node's own gate holds."""
    now = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return any(s.link == link and not s.closed and s.expires_ns > now
               for s in gate_pins.read(lab.pin_directory / node).values())


def _named(lab: Lab, verdict: str, *words: str) -> dict[str, Any]:
    """The finding, which must come within NAMED seconds from now."""
    began = time.monotonic()

    def found() -> dict[str, Any] | None:
        return next((f for f in lab.findings() if f["verdict"] == verdict
                     and all(w in f["text"] + " ".join(f["cables"] + f["ports"])
                             for w in words)), None)

    try:
        finding = wait_until(f"{verdict} to be found", found, 10, pause=0.02)
    except LabError as error:
        raise AssertionError(f"{error}; found is {json.dumps(lab.findings(), indent=1)}") from error
    # These machines are noisy: the bound is for what a user sees, not for the last 100 ms.
    assert time.monotonic() - began < NAMED + 1, finding
    return finding


@contextlib.contextmanager
def _traffic(lab: Lab, src: str, dst: str) -> Iterator[Callable[[], int]]:
    """Sends all the time; how many bytes arrive in the next quarter of a second."""
    source, to = lab.node(src), lab.node(dst)
    with UdpSender(source, to.v4, pps=500):
        def lately() -> int:
            before = arrived(to).get(source.v4, 0)
            time.sleep(0.25)
            return arrived(to).get(source.v4, 0) - before

        wait_until("traffic", lambda: lately() > 0, 5)
        yield lately


def _ends_and_returns(lab: Lab, lately: Callable[[], int], link: str,
                      mend: Callable[[], object]) -> None:
    """The link has lost its lease at both ends and carries nothing, until it is mended."""
    src, dst = link.split(">")
    wait_until("both gates to be closed",
               lambda: not _leased(lab, src, link) and not _leased(lab, dst, link), SILENT + 1)
    time.sleep(0.3)
    assert lately() == 0
    assert lab.api.link(link)["key"] is None or not _open(lab, link)
    mend()
    wait_until("the lease to be back", lambda: _open(lab, link), 10)
    wait_until("traffic again", lambda: lately() > 0, 5)


def test_as_planned(lab: Lab) -> None:
    wires = lab.wires()
    assert wires["t1:fab1"]["verdict"] == "as-planned"
    assert 0 < wires["t1:fab1"]["rtt_s"] < 0.001
    assert wires["t1:fab1"]["a_sees"] == "u1:fab1 (proved)"
    # What a switch says is a claim, and never more.
    assert wires["t1:fab0"]["verdict"] == "unproved"
    wait_until("the switch to have spoken",
               lambda: lab.wires()["t1:fab0"]["a_sees"] == "tl1:p1 (claimed)", 5)
    assert not any(wire["bad"] for wire in wires.values())


def test_two_direct_cables_swapped(lab: Lab) -> None:
    with _traffic(lab, "t1", "u1") as lately:
        rewire.swap(lab, "t1:fab1", "t2:fab1")
        finding = _named(lab, "swapped")
        assert sorted(finding["cables"]) == [DIRECT, "t2:fab1 -- u2:fab1"]
        assert [f["verdict"] for f in lab.findings()] == ["swapped"], "one swap, not four errors"
        assert _open(lab, "t2>u1"), "the other link goes another way"
        _ends_and_returns(lab, lately, "t1>u1", lambda: rewire.restore(lab))


def test_two_cables_swapped_at_the_switches(lab: Lab) -> None:
    with _traffic(lab, "t2", "u1") as lately:
        rewire.swap(lab, "t1:fab0", "u1:fab0")
        finding = _named(lab, "swapped")
        assert sorted(finding["cables"]) == ["t1:fab0 -- tl1:p1", "u1:fab0 -- tl2:p1"]
        wait_until("one finding", lambda: len(lab.findings()) == 1, 2)
        _ends_and_returns(lab, lately, "t2>u1", lambda: rewire.restore(lab))


def test_a_cut(lab: Lab) -> None:
    rewire.cut(lab, "t1:fab1")
    assert _named(lab, "missing")["cables"] == [DIRECT]
    rewire.mend(lab, "t1:fab1")
    wait_until("the cable to be back", lambda: lab.wires()["t1:fab1"]["verdict"] == "as-planned", 5)


def test_a_cut_between_the_switches(lab: Lab) -> None:
    with _traffic(lab, "t2", "u1") as lately:
        rewire.cut(lab, "tl1:p4")
        assert _named(lab, "missing", "tl1:p4")["cables"] == ["tl1:p4 -- tl2:p4"]
        wait_until("silence", lambda: lately() == 0, 3)
        rewire.restore(lab)
        wait_until("the lease to be back", lambda: _open(lab, "t2>u1"), 15)


def test_a_bridge_in_a_direct_cable(lab: Lab) -> None:
    with _traffic(lab, "t1", "u1") as lately:
        rewire.splice(lab, "t1:fab1")
        assert "stands between" in _named(lab, "unexpected", "t1:fab1")["text"]
        _ends_and_returns(lab, lately, "t1>u1", lambda: rewire.restore(lab))


def test_a_bridge_before_a_switch(lab: Lab) -> None:
    with _traffic(lab, "t2", "u1") as lately:
        rewire.splice(lab, "t2:fab0")
        _named(lab, "unexpected", "t2:fab0")
        _ends_and_returns(lab, lately, "t2>u1", lambda: rewire.restore(lab))


def test_a_relay_with_delay(lab: Lab) -> None:
    with _traffic(lab, "t1", "u1") as lately:
        rewire.splice(lab, "t1:fab1", 2000)
        finding = _named(lab, "too-far", "t1:fab1")
        assert "1ms" in finding["text"]
        assert lab.wires()["t1:fab1"]["rtt_s"] >= 0.004, "there and back"
        _ends_and_returns(lab, lately, "t1>u1", lambda: rewire.restore(lab))


def test_lldp_that_lies(lab: Lab) -> None:
    """Beside the switch's own words: two boxes cannot be at one cable."""
    with _traffic(lab, "t2", "u1") as lately:
        for _ in range(4):
            intruder.send_lldp("sw-tl1", "p2", "evil", "p9", ttl=3)
            time.sleep(0.3)
        assert "evil:p9" in _named(lab, "unexpected", "t2:fab0")["text"]
        _ends_and_returns(lab, lately, "t2>u1", lambda: None)


def test_lldp_proves_no_direct_cable(lab: Lab) -> None:
    jack = rewire_jack(lab, "t1:fab1")
    rewire.cut(lab, "u1:fab1")
    _named(lab, "missing", "t1:fab1")
    rewire.mend(lab, "u1:fab1")
    _calm(lab)
    rewire.splice(lab, "t1:fab1")
    for _ in range(3):
        intruder.send_lldp(*jack, "u1", "fab1", ttl=9)
        time.sleep(0.2)
    assert lab.wires()["t1:fab1"]["bad"]


def rewire_jack(lab: Lab, port: str) -> tuple[str, str]:
    """Where a frame that is sent comes out at the node's port."""
    from lab.wiring import Wiring
    jack = Wiring(lab.plan).jacks[port]
    return jack.namespace, jack.device


def test_captured_probes_prove_nothing(lab: Lab) -> None:
    with Listener("dpu-t1", "fab1", PROBE) as ear:
        time.sleep(0.6)
    heard = [f.data for f in ear.frames if not f.outgoing]
    assert heard
    replay(*rewire_jack(lab, "t1:fab1"), heard)
    _named(lab, "replayed", "t1:fab1")
    # Told, but no reason to close: anybody in the fabric could raise it.
    assert lab.wires()["t1:fab1"]["verdict"] == "as-planned"
    lab.processes.kill(agent_name("u1"))
    try:
        wait_until("u1's proofs to end",
                   lambda: lab.wires()["t1:fab1"]["verdict"] != "as-planned", 5)
        for _ in range(5):
            replay(*rewire_jack(lab, "t1:fab1"), heard)
            time.sleep(0.2)
            assert lab.wires()["t1:fab1"]["verdict"] != "as-planned"
    finally:
        lab.restart_agent("u1")
    wait_until("the alarm to be over", lambda: lab.findings() == [], 15)


def test_forged_probes(lab: Lab) -> None:
    replay(*rewire_jack(lab, "t1:fab1"), [probe_frame(b"\x01\x00\x04junk")] * 3)
    _named(lab, "forged", "t1:fab1")
    assert lab.wires()["t1:fab1"]["verdict"] == "as-planned"
    wait_until("the alarm to be over", lambda: lab.findings() == [], 15)


def test_a_node_that_is_not_in_the_plan(lab: Lab, tmp_path: Path) -> None:
    """A rogue that was enrolled by mistake gets nothing."""
    smaller = tmp_path / "smaller.dot"
    smaller.write_text(WITHOUT_T2, encoding="ascii")
    try:
        lab.ctl("plan", "set", str(smaller))
        _named(lab, "undeclared", "t2")
        wait_until("its link to be closed", lambda: not _leased(lab, "t2", "t2>u1"), 3)
        assert "not in the plan" in lab.api.link("t2>u1")["why"]
        assert _open(lab, "t1>u1")
    finally:
        lab.declare()


def test_a_machine_that_nobody_enrolled(lab: Lab) -> None:
    """It answers whoever asks, with signatures of its own: told, and nothing else."""
    rogue = rewire.plug_rogue(lab, "tl1")
    with Listener(rogue, "eth0", PROBE) as ear:
        for _ in range(5):
            # A question, and not what somebody answers to all.
            asked = ear.wait(5, lambda frame: not frame.outgoing and frame.data[17] == 0x0A)
            replay(rogue, "eth0", intruder.answer(asked.data, "mallory"))
            ear.frames.clear()
            time.sleep(0.1)
    assert "nobody of this fleet" in _named(lab, "forged", "fab0")["text"]
    assert _open(lab, *LINKS)
    rewire.restore(lab)
    wait_until("the alarm to be over", lambda: lab.findings() == [], 15)


def test_a_box_that_lets_all_but_probes_pass(lab: Lab) -> None:
    """Packets could take this way, though the link has another one that is proved."""
    box = rewire.splice(lab, "t1:fab0")
    netns.ip_batch(["link set br0 type bridge group_fwd_mask 0x4000", "link add sink type veth peer name pit",
                    "link set sink up"], box)
    for device in ("left", "right"):
        for words in (f"qdisc add dev {device} clsact",
                      f"filter add dev {device} ingress protocol {PROBE:#x} u32 match u32 0 0 "
                      "action mirred egress redirect dev sink"):
            netns.run(box, "tc", *words.split())
    wait_until("the switch to be heard through it",
               lambda: "claimed" in lab.wires()["t1:fab0"]["a_sees"], 10)
    assert "something may stand between" in _named(lab, "missing", "t1:fab0")["text"]
    assert lab.wires()["t1:fab1"]["verdict"] == "as-planned"
    wait_until("the gates to be closed", lambda: not _leased(lab, "t1", "t1>u1"), 3)
    time.sleep(1)
    assert not _open(lab, "t1>u1") and not _leased(lab, "t1", "t1>u1")
    rewire.restore(lab)
    wait_until("the lease to be back", lambda: _open(lab, *LINKS), 15)


def test_a_copied_identity(lab: Lab, tmp_path: Path) -> None:
    """Somebody has t2's disk and starts its agent in another box, on another port."""
    rogue = rewire.plug_rogue(lab, "tl2", address="172.31.1.200")
    netns.set_sysctls(rogue, {"ipv6/conf/all/disable_ipv6": "0",
                              "ipv6/conf/default/disable_ipv6": "0"})
    clone = tmp_path / "clone"
    shutil.copytree(lab.node_directory("t2") / "state", clone / "state")
    (clone / "run").mkdir()
    netns.ip_batch(["link add acc0 type veth peer name far0", "link set acc0 up",
                    "link set far0 up", "addr add 10.99.0.1/24 dev acc0"], rogue)
    words = [str(checks.binaries() / "sluice-agent"), "run", "--state-dir", str(clone / "state"),
             "--run-dir", str(clone / "run"), "--accelerator-port", "acc0",
             "--fabric-port", "eth0", "--tunnel-device", "slu-clone", "--tunnel-port", "51820",
             "--control-device", "slc-clone", "--control-listen-port", "51821",
             "--pin-dir", str(lab.pin_directory / "clone")]
    devices = ["slu-clone", "slc-clone"]
    lab.journal.record("devices", names=devices)
    lab.processes.start("agent-clone", rogue, words)
    try:
        began = time.monotonic()
        ready = clone / "run" / "ready"
        wait_until("the clone to speak", ready.exists, 10)
        assert "t2" in _named(lab, "cloned")["text"], time.monotonic() - began
        wait_until("t2 to have nothing", lambda: not _open(lab, "t2>u1"), 3)
        assert _open(lab, "t1>u1")
    finally:
        lab.processes.stop("agent-clone")
        rewire.restore(lab)
        for device in devices:
            (WIREGUARD_SOCKETS / f"{device}.sock").unlink(missing_ok=True)
    wait_until("the alarm to be over", lambda: lab.findings() == [], 20)
    # Its tunnel to the controller was the clone's for a while.
    wait_until("t2 to have its lease back", lambda: _open(lab, "t2>u1"), 60)


def test_alert_only_tells(lab: Lab) -> None:
    lab.ctl("topology", "policy", "t1>u1", "alert")
    try:
        rewire.splice(lab, "t1:fab1")
        _named(lab, "unexpected", "t1:fab1")
        time.sleep(1)
        link = lab.api.link("t1>u1")
        assert link["state"] == "open" and "stands between" in link["wiring"]
        lab.ctl("topology", "policy", "t1>u1", "default")
        wait_until("the lease to go", lambda: not _leased(lab, "t1", "t1>u1"), 3)
    finally:
        lab.ctl("topology", "policy", "t1>u1", "default")


def test_restarts_accuse_nobody(lab: Lab) -> None:
    """Daemons that start anew know nothing for a moment: nothing is taken back for that."""
    with _traffic(lab, "t1", "u1") as lately:
        for name in ("controller", "t1", "u1"):
            if name == CONTROLLER:
                lab.processes.kill(CONTROLLER)
                lab.start_controller()
            else:
                lab.processes.kill(agent_name(name))
                lab.start_agent(name)
            end = time.monotonic() + 2.5
            while time.monotonic() < end:
                with contextlib.suppress(LabError):
                    bad = [f for f in lab.findings() if f["verdict"] != "undeclared"]
                    assert bad == [], name
                assert lately() > 0, name
                time.sleep(0.1)
            lab.wait_online()


def test_no_false_verdict_under_load(lab: Lab) -> None:
    """Both cores are busy, all cables full: nothing is wrong, so nothing is found, and every wire
    stays proved. $SLUICE_LOAD_SECONDS=3600 makes it the hour that docs/topology.md reports."""
    for src, dst in (("u1", "t1"), ("u2", "t2"), ("t2", "u2")):
        lab.api.set_quota(f"{src}>{dst}", "10Gbit", "1TB")
    lab.api.set_quota("t1>u1", "10Gbit", "1TB")
    nodes = {n.name: n for n in lab.plan.nodes}
    with contextlib.ExitStack() as stack:
        for src, dst in (("t1", "u1"), ("u1", "t1"), ("t2", "u2"), ("u2", "t2"), ("t2", "u1")):
            stack.enter_context(UdpSender(nodes[src], nodes[dst].v4, pps=40_000, ip_bytes=1400))
        end = time.monotonic() + float(os.environ.get("SLUICE_LOAD_SECONDS", "15"))
        while time.monotonic() < end:
            assert lab.findings() == []
            wires = lab.wires()
            assert {wires[port]["verdict"] for port in ("t1:fab1", "t2:fab1")} == {"as-planned"}
            time.sleep(0.1)


def test_what_a_cable_carries(lab: Lab) -> None:
    """A lower bound, signed by the other end, with the cable in use all the while."""
    with _traffic(lab, "t1", "u1") as lately:
        answer = json.loads(lab.ctl("topology", "capacity", "t1:fab1", "-o", "json"))
        assert lately() > 0
    assert answer["speed_bps"] == 1_000_000_000
    assert answer["capacity"]["to"] == "u1:fab1"
    assert answer["capacity"]["at_least_bps"] > 50_000_000
    assert "at least" in lab.ctl("topology", "capacity", "t2:fab0")
    with pytest.raises(LabError, match="no cable"):
        lab.ctl("topology", "capacity", "t1:fab9")
    assert lab.findings() == []


def test_traffic_past_the_gate_stands_out(lab: Lab) -> None:
    handle = netns.make_socket("dpu-t1", socket.AF_PACKET, socket.SOCK_RAW)
    with handle:
        netns.inside("dpu-t1", lambda: handle.bind(("fab0", 0)))
        handle.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
        frame = bytes.fromhex("020000000099" "020000000098") + b"\x08\x00" + bytes(1400)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            for _ in range(50):
                handle.send(frame)
            time.sleep(0.05)
            found = [f for f in lab.findings() if f["verdict"] == "unaccounted"]
            if found:
                break
    assert found and found[0]["ports"] == ["t1:fab0"] and not found[0]["closes"]
    assert _open(lab, *LINKS)
    wait_until("it to be over", lambda: lab.findings() == [], 20)


def test_the_plans_commands(lab: Lab, tmp_path: Path) -> None:
    bad = tmp_path / "bad.dot"
    bad.write_text('graph f {\n  "t1" [enclosure="x"];\n  "t1":"fab0" -- "t9";\n}\n',
                   encoding="ascii")
    with pytest.raises(LabError, match=r"bad\.dot:3:"):
        lab.ctl("plan", "check", str(bad))
    assert lab.ctl("plan", "show").strip() == PLAN.strip()
    changed = tmp_path / "changed.dot"
    changed.write_text(PLAN.replace('max_rtt="1ms"', 'max_rtt="2ms"', 1), encoding="ascii")
    difference = lab.ctl("plan", "diff", str(changed))
    assert "- cable t1:fab1 -- u1:fab1 speed 1Gbit max_rtt 1ms" in difference
    assert "+ cable t1:fab1 -- u1:fab1 speed 1Gbit max_rtt 2ms" in difference
    assert "no link would" in lab.ctl("plan", "set", str(changed), "--dry-run")
    before = lab.ctl("plan", "history").count("\n")
    lab.ctl("plan", "set", str(changed))
    assert lab.ctl("plan", "history").count("\n") == before + 1
    assert "mean the same" not in lab.ctl("plan", "diff", "active", "--from",
                                          str(lab.run_directory / "plan.dot"))
    lab.declare()
