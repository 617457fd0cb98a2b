"""Reads a node's gate straight from its pinned maps, agent or no agent.

The layout is bpf/gate_abi.h's; the map `config` carries its version. Only reading:
the maps are mapped without write access.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import struct
from dataclasses import dataclass
from pathlib import Path

from .errors import LabError

LAYOUT = 5
_SLOTS = 16384
_SLOT = struct.Struct("12Q32x")
_NAME = struct.Struct("40s40sQ")
_CLOSED = 1 << 63
_ROLES = {1: "send", 2: "receive"}
_SYS_BPF = {"x86_64": 321, "aarch64": 280}
_BPF_OBJ_GET = 7
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Slot:
    """One side of a link as the gate holds it; instants are CLOCK_BOOTTIME."""

    index: int
    link: str
    role: str
    expires_ns: int
    volume_limit: int
    sequence: int
    admitted: int
    closed: bool
    packets: int


def read(pins: Path) -> dict[tuple[str, str], Slot]:
    """All sides that the gate knows, by (link, role)."""
    (layout,) = struct.unpack_from("Q", _map(pins / "map_config", 4096))
    if layout != LAYOUT:
        raise LabError(f"the gate pinned in {pins} has layout {layout}, the lab reads {LAYOUT}: "
                       "daemons and lab are of different versions")
    names = _map(pins / "map_names", _NAME.size * _SLOTS)
    slots = _map(pins / "map_slots", _SLOT.size * _SLOTS)
    found = {}
    for index in range(1, _SLOTS):
        src, dst, state = _NAME.unpack_from(names, index * _NAME.size)
        if state not in _ROLES:
            continue
        link = f"{_text(src)}>{_text(dst)}"
        word = _SLOT.unpack_from(slots, index * _SLOT.size)
        found[link, _ROLES[state]] = Slot(
            index, link, _ROLES[state], expires_ns=word[0], volume_limit=word[1],
            sequence=word[10], admitted=word[2] & ~_CLOSED, closed=bool(word[2] & _CLOSED),
            packets=word[3])
    return found


def slot(pins: Path, link: str, role: str) -> Slot:
    try:
        return read(pins)[link, role]
    except KeyError:
        raise LabError(f"the gate in {pins} has no {role} side of {link}") from None


def _text(raw: bytes) -> str:
    return raw.split(b"\0", 1)[0].decode(errors="replace")


def _map(pin: Path, size: int) -> mmap.mmap:
    path = ctypes.create_string_buffer(os.fsencode(pin))
    attribute = ctypes.create_string_buffer(struct.pack("QII", ctypes.addressof(path), 0, 0), 128)
    handle = _libc.syscall(_SYS_BPF[os.uname().machine], _BPF_OBJ_GET, attribute, 128)
    if handle < 0:
        number = ctypes.get_errno()
        raise LabError(f"cannot open the pinned map {pin}: {os.strerror(number)}")
    try:
        whole = -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
        return mmap.mmap(handle, whole, mmap.MAP_SHARED, mmap.PROT_READ)
    except OSError as error:
        raise LabError(f"cannot map {pin}: {error}") from error
    finally:
        os.close(handle)
