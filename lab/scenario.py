"""What demo and end-to-end tests do to a lab: open links, drive them, and measure at the
accelerators what the leases promised."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Callable, Iterator

from . import gate_pins
from .api import patience, wait_until
from .capture import Capture, Packet, realtime_minus_boottime_ns, total, worst_excess
from .errors import LabError
from .gate_pins import Slot
from .lab import CONTROLLER, Lab
from .plan import Machine
from .traffic import Ping, TcpFlows, address_of, ping

# What TCP needs the other way for its acknowledgements, with room to spare.
BACK_RATE, BACK_VOLUME = "100Mbit", "10GB"


def open_link(lab: Lab, src: str, dst: str, rate: str | int, volume: str | int, lease: str = "5s",
              per: str = "lifetime", burst: str | int | None = None, back: bool = False) -> int:
    """Sets the link's quota and waits until its lease is live at both gates. With `back`
    the other direction gets a generous one too, for acknowledgements and echoes. Returns
    what the sender's gate had admitted on the link before: it counts from boot."""
    before = gate_pins.read(lab.pin_directory / src).get((f"{src}>{dst}", "send"))
    lab.api.set_quota(f"{src}>{dst}", rate, volume, per, lease, burst)
    if back:
        lab.api.set_quota(f"{dst}>{src}", BACK_RATE, BACK_VOLUME, "lifetime", lease)
        wait_open(lab, dst, src)
    wait_open(lab, src, dst)
    return before.admitted if before else 0


@contextmanager
def controller_with(lab: Lab, *options: str) -> Iterator[Lab]:
    """The lab with a controller that was started with these options; after it the usual one."""
    def restart(*words: str) -> None:
        lab.processes.stop(CONTROLLER)
        lab.start_controller(*words)

    restart(*options)
    try:
        lab.wait_online()
        yield lab
    finally:
        restart()


def lasting(seconds: float) -> str:
    """The lifetime of a lease that outlives what a test does meanwhile, on slow machines too."""
    return f"{seconds * patience():g}s"


def wait_open(lab: Lab, src: str, dst: str, seconds: float = 10.0) -> None:
    def is_open() -> bool:
        return is_leased(lab, src, dst)

    try:
        wait_until(f"the lease of {src}>{dst}", is_open, seconds, pause=0.02)
    except LabError as error:
        link = lab.api.link(f"{src}>{dst}")
        raise LabError(f"{error}; the controller says: {link['state']}, {link['why']}") from error


def is_leased(lab: Lab, src: str, dst: str) -> bool:
    """Whether both gates hold a lease that has not expired and is not used up."""
    now = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    link = f"{src}>{dst}"
    sides = (gate_pins.read(lab.pin_directory / src).get((link, "send")),
             gate_pins.read(lab.pin_directory / dst).get((link, "receive")))
    return all(s is not None and not s.closed and s.expires_ns > now
               and s.admitted < s.volume_limit for s in sides)


def close_all(lab: Lab) -> None:
    """Deletes every quota, restores what was revoked, and waits until no gate holds a lease."""
    for scope in lab.api.stops():
        lab.api.restore_scope(scope)
    for link in lab.api.quotas():
        lab.api.delete_quota(link)

    def all_closed() -> bool:
        now = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        return all(s.closed or s.expires_ns <= now for node in lab.plan.nodes
                   for s in gate_pins.read(lab.pin_directory / node.name).values())

    wait_until("all leases to be closed", all_closed, 15)


def send_slot(lab: Lab, src: str, dst: str) -> Slot:
    return gate_pins.slot(lab.pin_directory / src, f"{src}>{dst}", "send")


def expiry_realtime_ns(lab: Lab, src: str, dst: str, role: str = "send") -> int:
    """When the lease of one side ends, on the clock of captures."""
    pins = lab.pin_directory / (src if role == "send" else dst)
    expires = gate_pins.slot(pins, f"{src}>{dst}", role).expires_ns
    if not expires:
        raise LabError(f"the {role} side of {src}>{dst} has no lease: nothing to wait for")
    return expires + realtime_minus_boottime_ns()


def capture_arrivals(node: Machine) -> Capture:
    return Capture(node.acc, "eth0")


def arrivals(capture: Capture, src: Machine) -> list[Packet]:
    """Packets from `src`'s accelerator that arrived, IPv4 and IPv6."""
    return sorted([*capture.select(src=src.v4, outgoing=False),
                   *capture.select(src=src.v6, outgoing=False)])


def in_window(packets: list[Packet], start_ns: int, end_ns: int) -> list[Packet]:
    return [p for p in packets if start_ns <= p.time_ns < end_ns]


@dataclass
class Fill:
    """How TCP used a lease, by what arrived."""

    bps: float
    excess_bytes: float  # worst excess over rate·T in any window: at most the burst
    ping: Ping | None

    def share(self, rate: float) -> float:
        return self.bps / rate


def measure_tcp(src: Machine, dst: Machine, rate: float, flows: int, seconds: float = 4.0,
                warm_up: float = 1.5, congestion: str = "", version: int = 4,
                with_ping: bool = False) -> Fill:
    """Drives TCP over an open link and counts what arrives in `seconds` after the warm-up."""
    with TcpFlows(src, dst, flows, congestion, version) as tcp, capture_arrivals(dst) as capture:
        tcp.wait_flowing()
        time.sleep(warm_up)
        start = time.time_ns()
        echo = None
        if with_ping:
            echo = ping(src, address_of(dst, version), count=max(5, int(seconds / 0.05) - 20))
        time.sleep(max(0.0, start / 1e9 + seconds - time.time()))
        end = time.time_ns()
    packets = arrivals(capture, src)
    counted = total(in_window(packets, start, end))
    return Fill(counted.bytes * 8e9 / (end - start), worst_excess(packets, rate), echo)


def until_good(measure: Callable[[], Fill], good: Callable[[Fill], bool], tries: int = 3) -> Fill:
    """The first of a few measurements that is good, else the last: what else the machine
    does can only make TCP slower and a ping later, never the other way round."""
    for _ in range(tries - 1):
        fill = measure()
        if good(fill):
            return fill
    return measure()


@dataclass
class Ending:
    """When traffic ended against when its lease did. Positive: after the lease's end."""

    last_after_expiry_ms: float
    packets_before: int
    packets_later_than_10ms: int


def ending(packets: list[Packet], expiry_ns: int) -> Ending:
    if not packets:
        raise LabError("no packet arrived at all: nothing to say about the end of the lease")
    later = [p for p in packets if p.time_ns > expiry_ns + 10_000_000]
    return Ending((packets[-1].time_ns - expiry_ns) / 1e6, len(packets) - len(later), len(later))


def wait_past(expiry_ns: int, margin_s: float = 0.7) -> None:
    time.sleep(max(0.0, expiry_ns / 1e9 + margin_s - time.time()))


def leftovers(lab: Lab, namespaces: list[str]) -> list[str]:
    """What of a lab is still on the machine, in words; empty after a proper `down`."""
    from . import checks, netns
    from .lab import WIREGUARD_SOCKETS

    found = [f"namespace {name}" for name in namespaces if netns.exists(name)]
    found += [f"process {pid} in {name}" for name in namespaces for pid in netns.pids(name)]
    for path in (lab.run_directory, lab.pin_directory):
        if path.exists():
            found.append(f"path {path}")
    nodes = {name.removeprefix("dpu-") for name in namespaces}
    for kind in ("slu", "slc"):
        found += [f"socket of {kind}-{n}" for n in nodes
                  if (WIREGUARD_SOCKETS / f"{kind}-{n}.sock").exists()]
        links = netns.call(["ip", "-br", "link"], check=False).stdout
        found += [f"interface {kind}-{n}" for n in nodes if f"{kind}-{n} " in links]
    if holder := checks.port_holder(lab.api_port):
        found.append(f"{holder} on port {lab.api_port}")
    return found
