"""The measuring itself: a capture's wire bytes are exact, with and without super-packets."""

from __future__ import annotations

import socket
import struct
import threading
import time
from typing import Iterator

import pytest
from lab import netns
from lab.capture import Capture, Packet, rate_bps, total, worst_excess

pytestmark = pytest.mark.root
LEFT, RIGHT = "sltest-left", "sltest-right"


@pytest.fixture(name="cable")
def _cable() -> Iterator[None]:
    for name in (LEFT, RIGHT):
        netns.call(["ip", "netns", "delete", name], check=False)
    try:
        netns.ip_batch([f"netns add {LEFT}", f"netns add {RIGHT}",
                        f"link add eth0 netns {LEFT} type veth peer name eth0 netns {RIGHT}"])
        for name, host in ((LEFT, 1), (RIGHT, 2)):
            netns.set_sysctls(name, {"ipv6/conf/all/accept_dad": "0",
                                     "ipv6/conf/default/accept_dad": "0"})
            netns.ip_batch([f"addr add 10.99.0.{host}/24 dev eth0",
                            f"addr add fd99::{host}/64 dev eth0 nodad", "link set eth0 up"], name)
        yield
    finally:
        for name in (LEFT, RIGHT):
            netns.call(["ip", "netns", "delete", name], check=False)


@pytest.mark.parametrize("address, header", [("10.99.0.2", 28), ("fd99::2", 48)])
def test_udp_is_exact(cable: None, address: str, header: int) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sizes = [1 + n * 7 % 1400 for n in range(20_000)]
    with netns.make_socket(LEFT, family, socket.SOCK_DGRAM) as sender:
        netns.run(LEFT, "ping", "-c", "1", "-W", "5", address)  # finds the neighbour
        with Capture(RIGHT, "eth0") as capture:
            for size in sizes:
                sender.sendto(b"x" * size, (address, 7000))
            time.sleep(0.1)
    counted = total(capture.select(dst=address, protocol=17, outgoing=False))
    assert counted.packets == len(sizes)
    assert counted.bytes == sum(sizes) + header * len(sizes)


@pytest.mark.parametrize("address, header", [("10.99.0.2", 20), ("fd99::2", 40)])
def test_tcp_super_packets_count_every_header(cable: None, address: str, header: int) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sent = 50_000_000
    listener = netns.make_socket(RIGHT, family, socket.SOCK_STREAM)
    listener.bind((address, 7001))
    listener.listen()
    with Capture(RIGHT, "eth0") as capture, listener:
        reader = threading.Thread(target=_drain, args=(listener,))
        reader.start()
        with netns.make_socket(LEFT, family, socket.SOCK_STREAM) as sender:
            sender.connect((address, 7001))
            sender.sendall(b"y" * sent)
            payload = _payload_when_acknowledged(sender)
        reader.join()
        time.sleep(0.1)
    seen = capture.select(dst=address, protocol=6, outgoing=False)
    counted = total(seen)
    assert len(seen) < counted.packets / 4, "no super-packets: this test tests nothing"
    # Every segment carries 12 bytes of timestamp option; the SYN has 8 more of options.
    expected = payload + counted.packets * (header + 32) + 8
    assert counted.bytes == expected


def _payload_when_acknowledged(sender: socket.socket) -> int:
    """All payload that the connection sent, with what it sent twice (struct tcp_info)."""
    while True:
        info = sender.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        (unacknowledged,) = struct.unpack_from("I", info, 24)
        (not_sent,) = struct.unpack_from("I", info, 144)
        if not unacknowledged and not not_sent:
            return struct.unpack_from("Q", info, 200)[0]
        time.sleep(0.01)


def _drain(listener: socket.socket) -> None:
    accepted, _ = listener.accept()
    with accepted:
        while accepted.recv(1 << 20):
            pass


def _packet(time_s: float, size: int) -> Packet:
    return Packet(int(time_s * 1e9), False, 0x800, size, 1, 17, b"", b"", 0, 0, b"")


def test_worst_excess_is_the_smallest_burst_that_holds() -> None:
    steady = [_packet(n * 0.01, 1000) for n in range(100)]  # 800 kbit/s
    assert worst_excess(steady, 800_000) == pytest.approx(1000)
    assert worst_excess(steady, 400_000) == pytest.approx(1000 + 99 * 500)
    late = steady + [_packet(1.0, 5000)]
    assert worst_excess(late, 800_000) == pytest.approx(5000)
    assert worst_excess([], 1) == 0


def test_rate() -> None:
    assert rate_bps([_packet(n * 0.01, 1000) for n in range(101)]) == pytest.approx(800_000)
