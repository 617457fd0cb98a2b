"""Traffic between accelerators: UDP of exact sizes, TCP flows, pings, raw frames.

All senders run on threads of this process with sockets that live in the accelerators'
namespaces. Every payload repeats MARKER, so that a capture of the fabric can tell
whether any of it ever appears in clear. What arrives is counted by lab.capture, not here.
"""

from __future__ import annotations

import errno
import json
import re
import selectors
import socket
import struct
import subprocess
import threading
import time
from dataclasses import dataclass

from . import netns
from .api import patience
from .errors import LabError
from .plan import Machine

MARKER = b"SLUICE-CLEARTEXT-MARKER|"
UDP_PORT = 7000
TCP_PORT = 7001
_CHUNK = MARKER * (262144 // len(MARKER))
_LINGER_ZERO = struct.pack("ii", 1, 0)
_IP_HEADERS = {4: 28, 6: 48}


def udp_payload(ip_bytes: int, version: int = 4) -> int:
    """The UDP payload that makes an IP packet of this size."""
    return ip_bytes - _IP_HEADERS[version]


def address_of(node: Machine, version: int) -> str:
    return node.v4 if version == 4 else node.v6


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


class UdpSender:
    """Sends numbered UDP packets of `ip_bytes` each at a steady pace, from `src`'s
    accelerator; `pps` 0 means as fast as it goes, `count` 0 means until `stop`."""

    def __init__(self, src: Machine, address: str, pps: float, ip_bytes: int = 1400,
                 count: int = 0, port: int = UDP_PORT) -> None:
        version = 6 if ":" in address else 4
        self._socket = netns.make_socket(src.acc, _family(address), socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        self._target = (address, port)
        self._payload = (MARKER * 64)[:udp_payload(ip_bytes, version) - 8]
        self._pps, self._count = pps, count
        self._stop = threading.Event()
        self.sent = 0
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> UdpSender:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        self._socket.close()

    def wait(self) -> None:
        """Waits until `count` packets are sent."""
        self._thread.join()

    def _run(self) -> None:
        began = time.monotonic()
        while not self._stop.is_set() and (not self._count or self.sent < self._count):
            if self._pps:
                due = int((time.monotonic() - began) * self._pps) + 1
                if self.sent >= due:
                    time.sleep(min(0.02, max(0.0005, 1 / self._pps)))
                    continue
            try:
                self._socket.sendto(struct.pack("!Q", self.sent) + self._payload, self._target)
            except OSError as error:
                if error.errno not in (errno.ENOBUFS, errno.EAGAIN, errno.EPERM):
                    raise
            self.sent += 1


class TcpFlows:
    """Keeps `flows` TCP connections from src's to dst's accelerator as full as they get,
    until `stop`. A connection that breaks is made again: links come and go."""

    def __init__(self, src: Machine, dst: Machine, flows: int = 1, congestion: str = "",
                 version: int = 4, port: int = TCP_PORT) -> None:
        self._src, self._congestion = src, congestion
        self._target = (address_of(dst, version), port)
        self._family = _family(self._target[0])
        self._listener = netns.make_socket(dst.acc, self._family, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(self._target)
        self._listener.listen(64)
        self._flows = flows
        self._stop = threading.Event()
        self.received = 0
        self._threads = [threading.Thread(target=self._send, daemon=True),
                         threading.Thread(target=self._receive, daemon=True)]

    def __enter__(self) -> TcpFlows:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def wait_flowing(self, count: int = 1, seconds: float = 10.0) -> None:
        """Waits until `count` bytes came through."""
        seconds *= patience()
        end = time.monotonic() + seconds
        while self.received < count:
            if time.monotonic() > end:
                raise LabError(f"TCP to {self._target[0]} did not start within {seconds:g} s")
            time.sleep(0.01)

    def _connect(self, selector: selectors.BaseSelector) -> None:
        made = netns.make_socket(self._src.acc, self._family, socket.SOCK_STREAM)
        made.setblocking(False)
        if self._congestion:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, self._congestion.encode())
        # A link that comes back after a pause must not wait for minutes of back-off.
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 4000)
        made.connect_ex(self._target)
        selector.register(made, selectors.EVENT_WRITE)

    def _send(self) -> None:
        with selectors.DefaultSelector() as selector:
            for _ in range(self._flows):
                self._connect(selector)
            while not self._stop.is_set():
                for key, _ in selector.select(0.1):
                    try:
                        key.fileobj.send(_CHUNK)  # type: ignore[union-attr]
                    except BlockingIOError:
                        pass
                    except OSError:
                        self._drop(selector, key.fileobj)
                        self._stop.wait(0.05)
                        self._connect(selector)
            self._drop_all(selector)

    def _receive(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            while not self._stop.is_set():
                for key, _ in selector.select(0.1):
                    if key.fileobj is self._listener:
                        made, _ = self._listener.accept()
                        made.setblocking(False)
                        selector.register(made, selectors.EVENT_READ)
                        continue
                    try:
                        got = len(key.fileobj.recv(1 << 20))  # type: ignore[union-attr]
                    except BlockingIOError:
                        continue
                    except OSError:
                        got = 0
                    self.received += got
                    if not got:
                        self._drop(selector, key.fileobj)
            selector.unregister(self._listener)
            self._drop_all(selector)

    @staticmethod
    def _drop(selector: selectors.BaseSelector, handle: object) -> None:
        """Closes with a reset: nothing is sent again after the end of a measurement."""
        assert isinstance(handle, socket.socket)
        selector.unregister(handle)
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        handle.close()

    def _drop_all(self, selector: selectors.BaseSelector) -> None:
        for key in list(selector.get_map().values()):
            self._drop(selector, key.fileobj)


@dataclass
class Ping:
    sent: int
    received: int
    mean_ms: float  # nan if none came back
    max_ms: float


def ping(src: Machine, address: str, count: int = 20, interval: float = 0.05,
         wait: float = 1.0) -> Ping:
    """Runs ping in src's accelerator namespace."""
    done = subprocess.run(
        netns.command(src.acc, "ping", "-n", "-q", "-c", str(count), "-i", str(interval),
                      "-W", str(wait), address),
        capture_output=True, text=True, timeout=count * interval + wait + 20, check=False)
    counts = re.search(r"(\d+) packets transmitted, (\d+) received", done.stdout)
    if not counts:
        raise LabError(f"ping {address} said nothing to the point: {done.stdout}{done.stderr}")
    times = re.search(r"= [\d.]+/([\d.]+)/([\d.]+)/", done.stdout)
    mean, most = (float(times.group(1)), float(times.group(2))) if times else (float("nan"),) * 2
    return Ping(int(counts.group(1)), int(counts.group(2)), mean, most)


def arrived(node: Machine) -> dict[str, int]:
    """nftables' count of IP bytes that arrived at the accelerator, by source address,
    since the lab came up."""
    counts = {}
    for name in ("from4", "from6"):
        done = netns.run(node.acc, "nft", "-j", "list", "set", "inet", "sluice_lab", name)
        for item in json.loads(done.stdout)["nftables"]:
            for element in item.get("set", {}).get("elem", []):
                counts[element["elem"]["val"]] = element["elem"]["counter"]["bytes"]
    return counts


def send_frames(namespace: str, interface: str, frames: list[bytes]) -> None:
    """Puts raw Ethernet frames on an interface, past everything else."""
    handle = netns.make_socket(namespace, socket.AF_PACKET, socket.SOCK_RAW)
    netns.inside(namespace, lambda: handle.bind((interface, 0)))
    with handle:
        for frame in frames:
            handle.send(frame)
