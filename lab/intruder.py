"""What somebody with access to the cables could do: listen to probes and play them again,
lie by LLDP, plug in a machine of his own. For tests; `rewire.restore` and `lab down` clear
up what stays (rogue machines), the rest is sockets of the caller."""

from __future__ import annotations

import ctypes
import select
import socket
import struct
import threading
import time
from typing import Callable, NamedTuple

from . import netns
from .errors import LabError
from .rewire import plug_rogue, unplug_rogue
from .traffic import send_frames

__all__ = ["LLDP", "PROBE", "Frame", "Lldp", "Listener", "plug_rogue", "unplug_rogue", "replay",
           "send_lldp", "lldp_frame", "parse_lldp", "probe_frame", "answer"]

PROBE, LLDP = 0x88B5, 0x88CC
LLDP_GROUP = bytes.fromhex("0180c200000e")
_ETH_P_ALL = 0x0003
_SO_ATTACH_FILTER = 26
_PACKET_OUTGOING = 4
_CHASSIS, _PORT, _TTL, _SYSTEM = 1, 2, 3, 5
_CHASSIS_MAC_SUBTYPE, _IFNAME_SUBTYPE = 4, 5


class Frame(NamedTuple):
    time_ns: int  # CLOCK_MONOTONIC, when it was read
    outgoing: bool
    data: bytes


class Lldp(NamedTuple):
    system: str
    port: str
    ttl: int


class Listener:
    """Hears the frames of one EtherType on a device, from `start` or `with` on."""

    def __init__(self, namespace: str, device: str, ethertype: int = PROBE) -> None:
        self.frames: list[Frame] = []
        self._place = (namespace, device)
        self._ethertype = ethertype
        self._news = threading.Condition()
        self._ended = False

    def start(self) -> None:
        namespace, device = self._place
        # All protocols, because only so the kernel shows what goes out, too.
        self._socket = netns.make_socket(namespace, socket.AF_PACKET, socket.SOCK_RAW)
        _filter(self._socket, self._ethertype)
        netns.inside(namespace, lambda: self._socket.bind((device, _ETH_P_ALL)))
        self._thread = threading.Thread(target=self._read, name=f"listener-{device}")
        self._thread.start()

    def stop(self) -> list[Frame]:
        self._ended = True
        self._thread.join()
        self._socket.close()
        return self.frames

    def __enter__(self) -> Listener:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def wait(self, seconds: float, wanted: Callable[[Frame], bool] = lambda _: True) -> Frame:
        """The first frame that is wanted, heard already or within the time."""
        end, seen = time.monotonic() + seconds, 0
        with self._news:
            while True:
                for frame in self.frames[seen:]:
                    if wanted(frame):
                        return frame
                seen = len(self.frames)
                if not self._news.wait_for(lambda: len(self.frames) > seen,
                                           end - time.monotonic()):
                    raise LabError(f"no such frame on {':'.join(self._place)} in {seconds} s; "
                                   f"{seen} others")

    def _read(self) -> None:
        while not self._ended:
            if not select.select([self._socket], [], [], 0.05)[0]:
                continue
            try:
                data, address = self._socket.recvfrom(1 << 16)
            except OSError:
                continue  # the device is down for a while
            frame = Frame(time.monotonic_ns(), address[2] == _PACKET_OUTGOING, data)
            with self._news:
                self.frames.append(frame)
                self._news.notify_all()


def _filter(handle: socket.socket, ethertype: int) -> None:
    """Leaves all other frames to the kernel: a busy port would overrun the socket."""
    code = struct.pack("HBBI" * 4, 0x28, 0, 0, 12, 0x15, 0, 1, ethertype,
                       0x06, 0, 0, 0xFFFFFFFF, 0x06, 0, 0, 0)
    program = ctypes.create_string_buffer(code)
    handle.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER,
                      struct.pack("HL", 4, ctypes.addressof(program)))


def replay(namespace: str, device: str, frames: list[Frame] | list[bytes]) -> None:
    """Sends frames, heard or made up, out of a device as they are."""
    send_frames(namespace, device, [f.data if isinstance(f, Frame) else f for f in frames])


def probe_frame(payload: bytes, destination: bytes = b"\xff" * 6,
                source: bytes = bytes.fromhex("02000000beef")) -> bytes:
    """A frame of the probes' EtherType with any content."""
    return (destination + source + struct.pack("!H", PROBE) + payload).ljust(60, b"\0")


def _field(number: int, content: bytes) -> bytes:
    """A protobuf field of bytes or a message, shorter than 2**14."""
    size = len(content)
    length = bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])
    return bytes([number << 3 | 2]) + length + content


def answer(question: bytes, node: str) -> list[bytes]:
    """What a machine of that name, which nobody enrolled, would say to a probe's question
    (proto/probe.proto): an answer, and a proof with signatures of its own making."""
    destination, payload = question[6:12], question[17:]
    # Frame.question is the first field; in it stand its nonce, the asker and the asker's port.
    at, said = payload.index(b"\x0a\x10"), []
    for _ in range(3):
        said.append(payload[at + 2:at + 2 + payload[at + 1]])
        at += 2 + payload[at + 1]
    nonce, own, made_up = said[0], b"\x5a" * 16, b"\xa5" * 64
    words = (_field(1, b"lab") + _field(2, nonce) + _field(3, own) + _field(4, node.encode())
             + _field(5, b"eth0") + _field(6, said[1]) + _field(7, said[2])
             + _field(10, b"\x01" * 8))
    proof = _field(1, words) + _field(2, made_up) + _field(3, made_up) + _field(4, made_up)
    messages = (_field(2, _field(1, nonce) + _field(2, own)), _field(3, proof))
    return [probe_frame(b"\x01" + struct.pack("!H", len(message)) + message, destination)
            for message in messages]


def send_lldp(namespace: str, device: str, system: str, port: str, ttl: int = 4) -> None:
    """Claims to be that port of that switch."""
    send_frames(namespace, device, [lldp_frame(system, port, ttl)])


def lldp_frame(system: str, port: str, ttl: int = 4,
               source: bytes = bytes.fromhex("02000000beef")) -> bytes:
    def tlv(kind: int, value: bytes) -> bytes:
        return struct.pack("!H", kind << 9 | len(value)) + value

    body = (tlv(_CHASSIS, bytes([_CHASSIS_MAC_SUBTYPE]) + source)
            + tlv(_PORT, bytes([_IFNAME_SUBTYPE]) + port.encode())
            + tlv(_TTL, struct.pack("!H", ttl)) + tlv(_SYSTEM, system.encode()) + tlv(0, b""))
    return (LLDP_GROUP + source + struct.pack("!H", LLDP) + body).ljust(60, b"\0")


def parse_lldp(frame: bytes) -> Lldp:
    """Who the sender claims to be. For frames of lldpd and of `lldp_frame`: no fortress."""
    found: dict[int, bytes] = {}
    at = 14
    while at + 2 <= len(frame):
        (head,) = struct.unpack_from("!H", frame, at)
        kind, length = head >> 9, head & 0x1FF
        if kind == 0:
            break
        found.setdefault(kind, frame[at + 2:at + 2 + length])
        at += 2 + length
    return Lldp(found.get(_SYSTEM, b"").decode(errors="replace"),
                found.get(_PORT, b"\0")[1:].decode(errors="replace"),
                int.from_bytes(found.get(_TTL, b""), "big"))
