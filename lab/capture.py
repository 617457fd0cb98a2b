"""Counts what really travels: a packet capture with kernel timestamps and exact wire
bytes, in pure Python, fast enough because the kernel does the waiting.

Why not nftables or tcpdump: the kernel moves TCP as "super-packets" of up to 64 KiB,
which count their headers once. What Sluice leases is the bytes as they are on a wire,
where each segment has its own. An AF_PACKET socket with PACKET_VNET_HDR says of each
super-packet how large its segments are, so the wire bytes follow exactly:

    wire = length + (segments - 1) * (IP header + transport header)

The ring (TPACKET_V3) holds the packets until the reader copies whole blocks away;
nothing is parsed while traffic runs. A capture in which the kernel had to drop a
packet raises instead of giving a figure.
"""

from __future__ import annotations

import ctypes
import mmap
import select
import socket
import struct
import threading
import time
from dataclasses import dataclass
from typing import Iterator, NamedTuple

from . import netns
from .errors import LabError

_ETH_P_ALL = 0x0003
_SOL_PACKET = 263
_PACKET_RX_RING, _PACKET_STATISTICS, _PACKET_VERSION, _PACKET_VNET_HDR = 5, 6, 10, 15
_TPACKET_V3 = 2
_SO_ATTACH_FILTER = 26
_BLOCK_SIZE = 1 << 20
_RETIRE_MS = 10
_PACKET_OUTGOING = 4
_ARPHRD_ETHER, _ARPHRD_LOOPBACK = 1, 772
_VNET_BYTES = 10
_ETHERTYPES = {0x0800: 4, 0x86DD: 6}
_GSO_KINDS = {1: "tcp", 4: "tcp", 5: "udp"}  # virtio_net_hdr.gso_type without its ECN bit


class Packet(NamedTuple):
    time_ns: int  # CLOCK_REALTIME
    outgoing: bool
    ethertype: int
    wire_bytes: int  # IP bytes of all segments; of other protocols the payload's length
    segments: int
    protocol: int  # of IP: 6 TCP, 17 UDP, …; 0 for what is not IP
    src: bytes
    dst: bytes
    src_port: int
    dst_port: int
    frame: bytes  # as much as the snap length kept


@dataclass
class Total:
    packets: int = 0
    bytes: int = 0


class Capture:
    """Captures on one interface of one namespace from `start` to `stop`."""

    def __init__(self, namespace: str, interface: str, snap: int = 96, ring_mib: int = 32) -> None:
        self._namespace, self._interface = namespace, interface
        self._snap, self._blocks = snap, ring_mib
        self._raw: list[bytes] = []
        self._stopping = threading.Event()
        self._packets: list[Packet] | None = None

    def __enter__(self) -> Capture:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if not self._stopping.is_set():
            self.stop()

    def start(self) -> None:
        self._socket = netns.inside(self._namespace, self._open)
        self._ring = mmap.mmap(self._socket.fileno(), _BLOCK_SIZE * self._blocks)
        netns.inside(self._namespace, lambda: self._socket.bind((self._interface, _ETH_P_ALL)))
        self._reader = threading.Thread(target=self._read, name=f"capture-{self._namespace}")
        self._reader.daemon = True
        self._reader.start()

    def _open(self) -> socket.socket:
        opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        opened.setsockopt(_SOL_PACKET, _PACKET_VERSION, _TPACKET_V3)
        opened.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
        _keep_first_bytes(opened, self._snap)
        frame = 1 << 16
        opened.setsockopt(_SOL_PACKET, _PACKET_RX_RING, struct.pack(
            "7I", _BLOCK_SIZE, self._blocks, frame, _BLOCK_SIZE // frame * self._blocks,
            _RETIRE_MS, 0, 0))
        return opened

    def _read(self) -> None:
        poller = select.poll()
        poller.register(self._socket, select.POLLIN | select.POLLERR)
        block = 0
        idle_after_stop = 0
        while idle_after_stop < 2:
            at = block * _BLOCK_SIZE
            if struct.unpack_from("I", self._ring, at + 8)[0] & 1:
                length = struct.unpack_from("I", self._ring, at + 20)[0]
                self._raw.append(self._ring[at:at + length])
                struct.pack_into("I", self._ring, at + 8, 0)
                block = (block + 1) % self._blocks
                continue
            idle_after_stop += self._stopping.is_set()
            poller.poll(_RETIRE_MS * 3)

    def stop(self) -> None:
        """Ends the capture. Raises if the kernel dropped packets: then no figure counts."""
        time.sleep(_RETIRE_MS * 2 / 1000)
        self._stopping.set()
        self._reader.join()
        statistics = self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 12)
        self._ring.close()
        self._socket.close()
        _, drops, _ = struct.unpack("3I", statistics)
        if drops:
            raise LabError(f"the capture on {self._interface} in {self._namespace} lost {drops} "
                           "packets: the machine is too busy to measure")

    @property
    def packets(self) -> list[Packet]:
        """All packets, in the order in which they were seen. Call after `stop`."""
        if self._packets is None:
            self._packets = [p for raw in self._raw for p in _parse_block(raw)]
            self._raw = []
        return self._packets

    def select(self, src: str | None = None, dst: str | None = None, protocol: int | None = None,
               outgoing: bool | None = None) -> list[Packet]:
        """The IP packets that match everything given."""
        src_bytes, dst_bytes = _address(src), _address(dst)
        return [p for p in self.packets if p.protocol
                and (src_bytes is None or p.src == src_bytes)
                and (dst_bytes is None or p.dst == dst_bytes)
                and (protocol is None or p.protocol == protocol)
                and (outgoing is None or p.outgoing == outgoing)]


def total(packets: list[Packet]) -> Total:
    return Total(sum(p.segments for p in packets), sum(p.wire_bytes for p in packets))


def rate_bps(packets: list[Packet], skip_s: float = 0.0) -> float:
    """Mean rate of IP bytes from the first packet (after `skip_s`) to the last."""
    if not packets:
        return 0.0
    start = packets[0].time_ns + int(skip_s * 1e9)
    kept = [p for p in packets if p.time_ns >= start]
    if len(kept) < 2 or kept[-1].time_ns == kept[0].time_ns:
        return 0.0
    # The first packet opens the interval and is not part of it.
    return sum(p.wire_bytes for p in kept[1:]) * 8e9 / (kept[-1].time_ns - kept[0].time_ns)


def worst_excess(packets: list[Packet], rate: float) -> float:
    """The smallest burst B for which bytes ≤ rate·T + B holds in every window of time:
    the largest fill of a bucket that leaks at `rate` (bit/s). In bytes."""
    fill = worst = 0.0
    before = packets[0].time_ns if packets else 0
    for packet in packets:
        fill = max(0.0, fill - (packet.time_ns - before) * rate / 8e9) + packet.wire_bytes
        before = packet.time_ns
        worst = max(worst, fill)
    return worst


def realtime_minus_boottime_ns() -> int:
    """What to add to a CLOCK_BOOTTIME instant to compare it with a capture's."""
    best = None
    for _ in range(5):
        before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        wall = time.clock_gettime_ns(time.CLOCK_REALTIME)
        after = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        if best is None or after - before < best[0]:
            best = (after - before, wall - (before + after) // 2)
    assert best is not None
    return best[1]


def _address(text: str | None) -> bytes | None:
    if text is None:
        return None
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


def _keep_first_bytes(handle: socket.socket, count: int) -> None:
    """A classic BPF program of one instruction: keep the first `count` bytes."""
    program = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, count))
    handle.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER,
                      struct.pack("HxxxxxxP", 1, ctypes.addressof(program)))


def _parse_block(block: bytes) -> Iterator[Packet]:
    count, at = struct.unpack_from("II", block, 12)
    for _ in range(count):
        step, seconds, nanos, kept, length = struct.unpack_from("IIIII", block, at)
        mac, net = struct.unpack_from("HH", block, at + 24)
        protocol, _, hardware, kind = struct.unpack_from("!HIHB", block, at + 50)
        hardware = socket.ntohs(hardware)
        yield _parse_packet(seconds * 1_000_000_000 + nanos, kind == _PACKET_OUTGOING, protocol,
                            hardware, length, block[at + mac - _VNET_BYTES:at + mac],
                            block[at + mac:at + mac + kept])
        at += step


def _parse_packet(time_ns: int, outgoing: bool, ethertype: int, hardware: int, length: int,
                  vnet: bytes, frame: bytes) -> Packet:
    start = 14 if hardware in (_ARPHRD_ETHER, _ARPHRD_LOOPBACK) else 0
    if start:
        ethertype = struct.unpack_from("!H", frame, 12)[0]
    version = _ETHERTYPES.get(ethertype)
    size = length - start
    if version is None or len(frame) < start + (20 if version == 4 else 40):
        return Packet(time_ns, outgoing, ethertype, size, 1, 0, b"", b"", 0, 0, frame)
    if version == 4:
        header = (frame[start] & 15) * 4
        protocol = frame[start + 9]
        src, dst = frame[start + 12:start + 16], frame[start + 16:start + 20]
    else:
        header, protocol = 40, frame[start + 6]
        src, dst = frame[start + 8:start + 24], frame[start + 24:start + 40]
    after = start + header
    src_port = dst_port = 0
    if protocol in (6, 17) and len(frame) >= after + 4:
        src_port, dst_port = struct.unpack_from("!HH", frame, after)
    gso = _GSO_KINDS.get(vnet[1] & 0x7F)
    segments = 1
    if gso:
        header += (frame[after + 12] >> 4) * 4 if gso == "tcp" else 8
        (gso_size,) = struct.unpack_from("=H", vnet, 4)
        segments = max(1, -(-(size - header) // gso_size))
        size += (segments - 1) * header
    return Packet(time_ns, outgoing, ethertype, size, segments, protocol, src, dst, src_port,
                  dst_port, frame)
