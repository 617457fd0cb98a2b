"""The steps of the demo's story, in order. Each starts from a fleet without quotas."""

from __future__ import annotations

import time
from typing import Callable

from . import gate_pins, rewire, traffic
from .api import wait_until
from .capture import Capture, total, worst_excess
from .lab import (AGENT_CONTROL_PORT, CONTROL_PORT, CONTROLLER, TUNNEL_PORT, Lab,
                  agent_name)
from .scenario import (arrivals, capture_arrivals, close_all, ending, expiry_realtime_ns,
                       is_leased, measure_tcp, open_link, send_slot, until_good, wait_open,
                       wait_past)
from .story import Story, mbit, size
from .traffic import UdpSender

PACKET = 1400  # IP bytes of the UDP packets in the steps about volume
ETHERTYPE_IPV4, ETHERTYPE_ARP = 0x0800, 0x0806
TUNNEL_PORTS = {CONTROL_PORT, TUNNEL_PORT, AGENT_CONTROL_PORT}
LINK_LAYER_ONLY = {ETHERTYPE_ARP, 0x88CC, 0x88B5}  # ARP, LLDP, link probes


class Stage:
    """What every step needs."""

    def __init__(self, lab: Lab, story: Story) -> None:
        self.lab, self.story = lab, story
        self.a1, self.a2 = lab.node("a1"), lab.node("a2")
        self.b1, self.b2 = lab.node("b1"), lab.node("b2")
        self.gateway = lab.node("gw")

    def revive(self) -> None:
        """After a step that failed half-way: every daemon runs again, no quota is set."""
        if self.lab.processes.pid(CONTROLLER) is None:
            self.lab.start_controller()
        for node in self.lab.plan.nodes:
            if self.lab.processes.pid(agent_name(node.name)) is None:
                self.lab.start_agent(node.name)
        self.lab.wait_online()
        close_all(self.lab)

    def check_volume(self, what: str, arrived: int, volume: int, admitted: int,
                     packet: int) -> None:
        self.story.check(f"{what}: arrived", f"≤ {volume:,} bytes", f"{arrived:,} bytes",
                         0 < arrived <= volume)
        self.story.check(f"{what}: the gate stopped short of the volume by",
                         f"< one packet ({packet:,})", f"{volume - admitted:,} bytes",
                         0 <= volume - admitted < packet)


def nothing_leased(stage: Stage) -> None:
    story, a1 = stage.story, stage.a1
    story.begin("Nothing is leased: nothing passes",
                "a1 sends to b1 over IPv4 and IPv6, to the outside world through the gateway, "
                "and to an address that is nobody's. No quota is set, so no link has a lease.")
    targets = (stage.b1.v4, stage.b1.v6, stage.gateway.v4, "192.0.2.1")
    with capture_arrivals(a1) as left, capture_arrivals(stage.b1) as at_b1, \
            capture_arrivals(stage.gateway) as at_gw:
        senders = [UdpSender(a1, target, pps=500, count=500) for target in targets]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.wait()
        time.sleep(0.3)
    sent = total(left.select(protocol=17, outgoing=True))
    story.check("a1's accelerator sent", "2,000 packets", f"{sent.packets:,} packets, "
                f"{size(sent.bytes)}", sent.packets == 2000)
    for name, capture in (("b1", at_b1), ("the outside", at_gw)):
        count = total(arrivals(capture, a1))
        story.check(f"arrived at {name}", "0 bytes", f"{count.bytes} bytes", count.bytes == 0)


def rate(stage: Stage) -> None:
    story, lab = stage.story, stage.lab
    story.begin("A lease of 100 Mbit/s is filled, and never exceeded",
                "An operator sets a quota on a1>b1 (and one on b1>a1 for the acknowledgements). "
                "TCP takes what is leased; a small queue keeps the delay low.")
    leased, burst = 100_000_000, 250_000
    open_link(lab, "a1", "b1", leased, "1GB", lease="5s", burst=burst, back=True)
    with Capture(stage.a1.dpu, f"slu-{stage.a1.name}") as shaped:
        one = until_good(lambda: measure_tcp(stage.a1, stage.b1, leased, flows=1),
                         lambda fill: fill.share(leased) >= 0.95)
        many = until_good(
            lambda: measure_tcp(stage.a1, stage.b1, leased, flows=16, with_ping=True),
            lambda fill: fill.share(leased) >= 0.95 and fill.ping is not None
            and fill.ping.mean_ms <= 10)
    for flows, fill in ((1, one), (16, many)):
        story.check(f"TCP with {flows} flow{'s' * (flows > 1)}: IP bytes that arrive",
                    "≥ 95 % of the lease", f"{mbit(fill.bps)}", fill.share(leased) >= 0.95)
    excess = worst_excess(shaped.select(src=stage.a1.v4, outgoing=True), leased)
    story.check("most bytes above rate × T in any window", f"≤ burst, {burst:,} bytes",
                f"{excess:,.0f} bytes", excess <= burst)
    echo = many.ping
    assert echo is not None
    story.check("ping beside 16 TCP flows", "≤ 10 ms mean", f"{echo.mean_ms:.1f} ms mean, "
                f"{echo.max_ms:.1f} ms max, {echo.received} of {echo.sent} came back",
                echo.received > 0 and echo.mean_ms <= 10)


def encrypted(stage: Stage) -> None:
    story, lab = stage.story, stage.lab
    story.begin("On the fabric there is no clear text",
                "The accelerators send a pattern that is easy to find. Every frame on a1's "
                "switch port is searched for it.")
    open_link(lab, "a1", "b1", "20Mbit", "100MB", lease="5s")
    with Capture("sw-leaf1", "p1", snap=65535) as fabric, capture_arrivals(stage.b1) as at_b1:
        with UdpSender(stage.a1, stage.b1.v4, pps=1000, count=1000), \
                UdpSender(stage.a1, stage.b1.v6, pps=500, count=500):
            time.sleep(1.3)
    arrived = total(arrivals(at_b1, stage.a1))
    story.check("arrived at b1, decrypted", "1,500 packets", f"{arrived.packets:,} packets",
                arrived.packets == 1500)
    count, wrong = clear_text(fabric)
    story.check("frames on the fabric with clear text", f"0 of {count:,}", f"{wrong}",
                count >= 1500 and wrong == 0)


def clear_text(fabric: Capture) -> tuple[int, int]:
    """How many frames a capture of a switch port holds, and how many of them should not
    be there: with the senders' pattern, or of another kind than tunnels and neighbours."""
    wrong = 0
    for packet in fabric.packets:
        tunnel = (packet.ethertype == ETHERTYPE_IPV4 and packet.protocol == 17
                  and packet.dst_port in TUNNEL_PORTS)
        if traffic.MARKER in packet.frame or not (
                tunnel or packet.ethertype in LINK_LAYER_ONLY):
            wrong += 1
    return len(fabric.packets), wrong


def controller_killed(stage: Stage) -> None:
    story, lab = stage.story, stage.lab
    story.begin("The controller is killed in mid-transfer",
                "Traffic goes on to the end of the lease, not a packet longer, and comes back "
                "unaided when the controller does.")
    open_link(lab, "a1", "b1", "20Mbit", "1GB", lease="3s")
    with capture_arrivals(stage.b1) as at_b1, UdpSender(stage.a1, stage.b1.v4, pps=1000):
        time.sleep(1)
        lab.processes.kill(CONTROLLER)
        killed = time.time_ns()
        time.sleep(0.2)
        expiry = expiry_realtime_ns(lab, "a1", "b1")
        wait_past(expiry)
        back = time.time_ns()
        lab.start_controller()
        wait_open(lab, "a1", "b1", 20)
        time.sleep(0.5)
    packets = arrivals(at_b1, stage.a1)
    _check_ending(story, [p for p in packets if p.time_ns < back], expiry, killed)
    after = [p.time_ns for p in packets if p.time_ns >= back]
    story.check("traffic again after the controller's start", "unaided",
                f"after {(after[0] - back) / 1e9:.1f} s" if after else "never", bool(after))


def _check_ending(story: Story, packets: list, expiry: int, killed: int) -> None:
    end = ending(packets, expiry)
    story.check("traffic went on after the kill", "to the lease's end, "
                f"{(expiry - killed) / 1e9:.2f} s later",
                f"{(packets[-1].time_ns - killed) / 1e9:.2f} s",
                abs(packets[-1].time_ns - expiry) < 500_000_000)
    story.check("last packet against the lease's end", "≤ 10 ms after",
                f"{abs(end.last_after_expiry_ms):.2f} ms "
                + ("after" if end.last_after_expiry_ms > 0 else "before"),
                end.last_after_expiry_ms <= 10)


def agent_killed(stage: Stage) -> None:
    story, lab = stage.story, stage.lab
    story.begin("An agent is killed with SIGKILL in mid-transfer",
                "The gate is in the kernel and needs no agent: the lease ends on time. The "
                "agent's next start takes over what is pinned and opens nothing by itself.")
    before = open_link(lab, "a1", "b1", "20Mbit", "1GB", lease="3s")
    with capture_arrivals(stage.b1) as at_b1, UdpSender(stage.a1, stage.b1.v4, pps=1000):
        time.sleep(1)
        lab.processes.kill(agent_name("a1"))
        killed = time.time_ns()
        time.sleep(0.2)
        expiry = expiry_realtime_ns(lab, "a1", "b1")
        wait_past(expiry)
        counted = send_slot(lab, "a1", "b1").admitted - before
        back = time.time_ns()
        lab.restart_agent("a1")
        wait_open(lab, "a1", "b1", 20)
        time.sleep(0.5)
    packets = arrivals(at_b1, stage.a1)
    _check_ending(story, [p for p in packets if p.time_ns < back], expiry, killed)
    after = [p.time_ns for p in packets if p.time_ns >= back]
    story.check("traffic again after the agent's start", "unaided",
                f"after {(after[0] - back) / 1e9:.1f} s" if after else "never", bool(after))
    admitted = send_slot(lab, "a1", "b1").admitted - before
    arrived = total(packets).bytes
    story.check("the gate's count went on from", f"{counted:,} bytes",
                f"{admitted:,} bytes now, {arrived:,} arrived", admitted >= arrived > counted > 0)


def volume_agent_dead(stage: Stage) -> None:
    story, lab = stage.story, stage.lab
    volume = 4_000_000
    story.begin("The volume ends on the byte, with the agent dead",
                "a2>b2 has 4 MB. The agent of a2 is killed as the transfer starts; the sender "
                "offers twice the volume.")
    before = open_link(lab, "a2", "b2", "50Mbit", volume, lease="20s")
    count = 2 * volume // PACKET
    with capture_arrivals(stage.b2) as at_b2:
        with UdpSender(stage.a2, stage.b2.v4, pps=3000, ip_bytes=PACKET, count=count) as sender:
            time.sleep(0.2)
            lab.processes.kill(agent_name("a2"))
            sender.wait()
            time.sleep(0.3)
    admitted = send_slot(lab, "a2", "b2").admitted - before
    lab.restart_agent("a2")
    stage.check_volume("UDP", total(arrivals(at_b2, stage.a2)).bytes, volume, admitted, PACKET)


def volume_tcp(stage: Stage) -> None:
    story, lab = stage.story, stage.lab
    volume = 5_000_000
    story.begin("The volume ends on the byte for TCP, over IPv6",
                "The kernel moves TCP in super-packets of up to 64 KiB. The gate counts every "
                "segment's headers, as on the wire.")
    before = open_link(lab, "a1", "b2", "50Mbit", volume, lease="20s", back=True)
    with capture_arrivals(stage.b2) as at_b2:
        with traffic.TcpFlows(stage.a1, stage.b2, flows=4, version=6):
            wait_until("the volume to be used up", lambda: volume + before - send_slot(
                lab, "a1", "b2").admitted < 1500, 15, pause=0.1)
            time.sleep(0.5)
    admitted = send_slot(lab, "a1", "b2").admitted - before
    stage.check_volume("TCP", total(arrivals(at_b2, stage.a1)).bytes, volume, admitted, 1500)


def revoked(stage: Stage) -> None:
    story, lab = stage.story, stage.lab
    story.begin("Revoked and restored",
                "An operator revokes a link with live traffic; both ends close it and its key "
                "goes. Later it is restored.")
    open_link(lab, "a1", "gw", "20Mbit", "1GB", lease="30s")
    target = stage.gateway.v6
    with capture_arrivals(stage.gateway) as at_gw, UdpSender(stage.a1, target, pps=1000):
        time.sleep(0.5)
        asked = time.time_ns()
        lab.api.revoke("a1>gw", "demo")
        time.sleep(2)
        restored = time.time_ns()
        lab.api.restore("a1>gw")
        wait_until("the lease to be back", lambda: is_leased(lab, "a1", "gw"), 10)
        time.sleep(0.5)
    times = [p.time_ns for p in arrivals(at_gw, stage.a1)]
    before = [t for t in times if t < restored]
    silence = (max(before) - asked) / 1e6 if before else float("nan")
    story.check("from the command to silence", "≤ 500 ms", f"{max(silence, 0):.0f} ms",
                silence <= 500 and any(t < asked for t in before))
    after = [t for t in times if t >= restored]
    story.check("from the restoring to traffic", "≤ 2 s",
                f"{(after[0] - restored) / 1e9:.2f} s" if after else "never",
                bool(after) and after[0] - restored <= 2_000_000_000)


def cables_swapped(stage: Stage) -> None:
    story, lab = stage.story, stage.lab
    story.begin("Two cables change places",
                "Somebody exchanges the plugs of a1 and b1: a1 is now where b1 should be. The "
                "controller has a plan of the cables, and no link over a wrong one keeps its "
                "lease or its key.")
    open_link(lab, "a1", "b1", "20Mbit", "1GB", lease="30s")
    with capture_arrivals(stage.b1) as at_b1, UdpSender(stage.a1, stage.b1.v4, pps=1000):
        time.sleep(0.5)
        rewire.swap(lab, "a1:fab0", "b1:fab0")
        swapped = time.time_ns()
        found = wait_until("the swap to be found", lambda: [
            f for f in lab.findings() if f["verdict"] == "swapped"], 10)
        named = time.time_ns()
        time.sleep(1)
        rewire.restore(lab)
        restored = time.time_ns()
        wait_until("the lease to be back", lambda: is_leased(lab, "a1", "b1"), 15)
        time.sleep(0.5)
    story.check("findings", "one swap of two cables", found[0]["text"],
                len(found) == 1 and len(found[0]["cables"]) == 2)
    story.check("from the swap to its name", "≤ 2 s", f"{(named - swapped) / 1e9:.2f} s",
                named - swapped <= 2_000_000_000)
    times = [p.time_ns for p in arrivals(at_b1, stage.a1)]
    late = [t for t in times if named + 1_000_000_000 <= t < restored]
    story.check("arrived from one second after that to the mending", "0 packets",
                f"{len(late)} packets", not late)
    after = [t for t in times if t >= restored]
    story.check("traffic again when the cables are right", "unaided",
                f"after {(after[0] - restored) / 1e9:.1f} s" if after else "never", bool(after))


def silence_again(stage: Stage) -> None:
    story, lab = stage.story, stage.lab
    story.begin("Quotas deleted: nothing passes",
                "All quotas of this story are gone. The fleet is as closed as at the start.")
    with capture_arrivals(stage.b1) as at_b1, capture_arrivals(stage.b2) as at_b2:
        with UdpSender(stage.a1, stage.b1.v4, pps=500), UdpSender(stage.a1, stage.b2.v6, pps=500):
            time.sleep(1)
    count = total(arrivals(at_b1, stage.a1) + arrivals(at_b2, stage.a1))
    story.check("arrived", "0 bytes", f"{count.bytes} bytes", count.bytes == 0)
    live = [f"{node.name}: {s.link}" for node in lab.plan.nodes
            for s in gate_pins.read(lab.pin_directory / node.name).values()
            if not s.closed and s.expires_ns > time.clock_gettime_ns(time.CLOCK_BOOTTIME)]
    story.check("leases at any gate", "none", ", ".join(live) or "none", not live)


STEPS: tuple[Callable[[Stage], None], ...] = (
    nothing_leased, rate, encrypted, controller_killed, agent_killed, volume_agent_dead,
    volume_tcp, revoked, cables_swapped, silence_again)
