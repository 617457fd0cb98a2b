"""A box that relays every frame between two devices, each later by a fixed time: what somebody
does who puts a machine into a cable and wants to be seen by nobody.

Runs on its own, in the box's namespace: relay.py LEFT RIGHT DELAY_US READY_FILE
"""

from __future__ import annotations

import collections
import errno
import select
import socket
import struct
import sys
import time
from pathlib import Path

_ETH_P_ALL = 0x0003
_SOL_PACKET = 263
_ADD_MEMBERSHIP, _VNET_HDR, _IGNORE_OUTGOING = 1, 15, 23
_PROMISCUOUS = 1
_MOST_BYTES = 1 << 17
# A cable that is cut takes its device down and comes back.
_PASSING = (errno.ENETDOWN, errno.ENOBUFS, errno.EAGAIN, errno.EMSGSIZE)


def _open(device: str) -> socket.socket:
    handle = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    # Before it is bound, so that it never hears itself. With the header of virtio, what the
    # sender left to its network card (checksums, segments) stays left to the next one.
    handle.setsockopt(_SOL_PACKET, _IGNORE_OUTGOING, 1)
    handle.setsockopt(_SOL_PACKET, _VNET_HDR, 1)
    handle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    handle.bind((device, _ETH_P_ALL))
    handle.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP,
                      struct.pack("iHH8s", socket.if_nametoindex(device), _PROMISCUOUS, 0, b""))
    handle.setblocking(False)
    return handle


def _send(handle: socket.socket, frame: bytes) -> None:
    try:
        handle.send(frame)
    except OSError as error:
        if error.errno not in _PASSING:
            raise


def _receive(handle: socket.socket) -> list[bytes]:
    """What waits there, at most so much that the other side gets its turn."""
    frames = []
    try:
        while len(frames) < 64:
            frames.append(handle.recv(_MOST_BYTES))
    except OSError as error:
        if error.errno not in _PASSING:
            raise
    return frames


def relay(left: str, right: str, delay_ns: int, ready: Path) -> None:
    sides = (_open(left), _open(right))
    other = {sides[0]: sides[1], sides[1]: sides[0]}
    ready.touch()
    # One delay for all, so the frame that came first also goes first.
    waiting: collections.deque[tuple[int, socket.socket, bytes]] = collections.deque()
    while True:
        pause = max(0.0, (waiting[0][0] - time.monotonic_ns()) / 1e9) if waiting else None
        for handle in select.select(sides, [], [], pause)[0]:
            frames = _receive(handle)
            due = time.monotonic_ns() + delay_ns
            waiting.extend((due, other[handle], frame) for frame in frames)
        while waiting and waiting[0][0] <= time.monotonic_ns():
            _, handle, frame = waiting.popleft()
            _send(handle, frame)


if __name__ == "__main__":
    relay(sys.argv[1], sys.argv[2], int(sys.argv[3]) * 1000, Path(sys.argv[4]))
