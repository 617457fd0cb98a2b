"""A controller whose disk is full, whose store is locked or corrupt, or who may not."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path
from typing import Iterator

import pytest
from lab import checks, netns
from lab.api import Api, ApiError, wait_until

pytestmark = pytest.mark.root
NAMESPACE = "sltest-ctl"
DEVICE = "slc-sltest"


class Alone:
    """A controller without a fleet, in a namespace of its own."""

    def __init__(self, base: Path) -> None:
        self.state, self.run = base / "state", base / "run"
        for part in (self.state, self.run):
            part.mkdir()
        self.process: subprocess.Popen[str] | None = None
        self.api = Api("", self.state / "admin.token")

    def spawn(self, *prefix: str, fleet: str = "alone") -> subprocess.Popen[str]:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        self.api.base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        words = [*prefix, str(checks.binaries() / "sluice-controller"),
                 "--state-dir", str(self.state), "--run-dir", str(self.run), "--fleet", fleet,
                 "--control-device", DEVICE, "--control-port", "53819",
                 "--endpoint", "192.0.2.1:53819", "--api-fd", str(listener.fileno())]
        with listener:
            return subprocess.Popen(netns.command(NAMESPACE, *words), text=True,
                                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                    pass_fds=[listener.fileno()])

    def start(self) -> None:
        (self.run / "ready").unlink(missing_ok=True)
        self.process = self.spawn()
        wait_until("the controller", (self.run / "ready").exists, 15)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            assert self.process.stderr is not None
            self.process.stderr.close()
            self.process = None
        clear_device()

    def fails(self, *prefix: str, fleet: str = "alone") -> str:
        """Starts a controller that must refuse; returns what it said."""
        served = self.api.base
        process = self.spawn(*prefix, fleet=fleet)
        self.api.base = served  # of the one that runs, if one does
        try:
            _, said = process.communicate(timeout=15)
        finally:
            process.kill()
        assert process.returncode in (1, 2), f"exit {process.returncode}: {said}"
        return said


def clear_device() -> None:
    for pid in netns.pids(NAMESPACE):
        os.kill(pid, 9)
    wait_until("the namespace to be empty", lambda: not netns.pids(NAMESPACE), 5)
    netns.run(NAMESPACE, "ip", "link", "delete", DEVICE, check=False)
    Path(f"/var/run/wireguard/{DEVICE}.sock").unlink(missing_ok=True)


@pytest.fixture(name="alone")
def _alone(tmp_path: Path) -> Iterator[Alone]:
    """On a small disk of its own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    netns.call(["mount", "-t", "tmpfs", "-o", "size=4m", "sluice-test", str(disk)])
    netns.call(["ip", "netns", "add", NAMESPACE])
    netns.ip_batch(["link set lo up"], NAMESPACE)
    alone = Alone(disk)
    try:
        yield alone
    finally:
        alone.stop()
        netns.call(["ip", "netns", "delete", NAMESPACE], check=False)
        netns.call(["umount", str(disk)], check=False)


def _add_nodes(api: Api, *names: str) -> None:
    for number, name in enumerate(names):
        api.call("POST", "/api/v1/nodes", {"name": name, "enclosure": "e",
                                           "prefixes": [f"10.{number}.0.0/16"]})


def _fill_disk(alone: Alone) -> Path:
    ballast = alone.state.parent / "ballast"
    with open(ballast, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            pass
    return ballast


def test_full_disk(alone: Alone) -> None:
    alone.start()
    _add_nodes(alone.api, "n1", "n2", "n3")
    alone.api.set_quota("n1>n2", "1Mbit", "1MB")
    ballast = _fill_disk(alone)
    refused = None
    acknowledged = {"n1>n2"}
    for number in range(200):  # the log has some room of its own
        link = ("n1>n2", "n2>n1", "n1>n3", "n3>n1")[number % 4]
        try:
            alone.api.set_quota(link, f"{number + 2}Mbit", "1MB")
            acknowledged.add(link)
        except ApiError as error:
            refused = error
            break
    assert refused is not None, "200 changes went to a full disk"
    assert refused.status in (500, 503, 507)
    assert "disk" in refused.message or "full" in refused.message or "space" in refused.message
    assert set(alone.api.quotas()) >= acknowledged, "reads go on"
    held = alone.api.quotas()
    ballast.unlink()
    alone.api.set_quota("n2>n3", "5Mbit", "1MB")
    alone.stop()
    alone.start()
    after = alone.api.quotas()
    assert {k: after[k]["rate_bps"] for k in held} == {k: v["rate_bps"] for k, v in held.items()}
    assert after["n2>n3"]["rate_bps"] == 5_000_000


def test_full_disk_at_first_start(alone: Alone) -> None:
    _fill_disk(alone)
    said = alone.fails()
    assert "space" in said or "full" in said or "disk" in said


def test_acknowledged_is_durable(alone: Alone) -> None:
    """SIGKILL right after each answer: what was acknowledged is there."""
    alone.start()
    _add_nodes(alone.api, "n1", "n2")
    for mbit in (3, 7):
        alone.api.set_quota("n1>n2", f"{mbit}Mbit", "1MB")
        alone.stop()
        alone.start()
        assert alone.api.quotas()["n1>n2"]["rate_bps"] == mbit * 1_000_000


def test_store_that_is_locked(alone: Alone) -> None:
    alone.start()
    said = alone.fails()
    assert "lock" in said or "another" in said or "use" in said
    assert alone.process is not None and alone.process.poll() is None
    assert alone.api.nodes() == {}


@pytest.mark.parametrize("damage", ["header", "middle", "truncated"])
def test_store_that_is_corrupt(alone: Alone, damage: str) -> None:
    alone.start()
    _add_nodes(alone.api, *(f"n{n}" for n in range(20)))
    assert alone.process is not None
    alone.process.terminate()  # an orderly end, so that all is in the main file
    alone.process.wait(10)
    alone.stop()
    [store] = [f for f in alone.state.iterdir() if f.is_file()
               and f.read_bytes()[:15] == b"SQLite format 3"]
    content = bytearray(store.read_bytes())
    if damage == "header":
        content[:100] = os.urandom(100)
    elif damage == "middle":
        for at in range(4096, len(content) - 4096, 4096):
            content[at:at + 2048] = os.urandom(2048)
    else:
        content = content[:len(content) // 2]
    store.write_bytes(content)
    said = alone.fails()
    assert str(store) in said or "store" in said
    assert store.read_bytes() == bytes(content), "a corrupt store is left as it was found"


def test_store_of_another_fleet(alone: Alone) -> None:
    alone.start()
    alone.stop()
    said = alone.fails(fleet="other")
    assert "alone" in said and "other" in said


def test_state_directory_that_cannot_be_written(alone: Alone) -> None:
    netns.call(["mount", "-o", "remount,ro", str(alone.state.parent)])
    try:
        said = alone.fails()
        assert str(alone.state.parent) in said and "ead-only" in said
    finally:
        netns.call(["mount", "-o", "remount,rw", str(alone.state.parent)])


def test_not_root(alone: Alone) -> None:
    os.chown(alone.state, 65534, 65534)
    os.chown(alone.run, 65534, 65534)
    said = alone.fails("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
    assert "root" in said or "CAP_NET_ADMIN" in said


def test_agent_not_root(tmp_path: Path) -> None:
    done = subprocess.run(
        ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
         str(checks.binaries() / "sluice-agent"), "run", "--state-dir", "/tmp", "--run-dir",
         "/tmp", "--accelerator-port", "acc0", "--fabric-port", "fab0"],
        capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode in (1, 2)
    assert "root" in done.stderr or "CAP_" in done.stderr


@pytest.mark.parametrize("daemon, words", [
    ("sluice-controller", ()), ("sluice-controller", ("--heartbeat", "banana")),
    ("sluice-controller", ("--frobnicate",)), ("sluice-agent", ("join",)),
    ("sluice-agent", ("run", "--shaper", "magic")), ("sluice-agent", ("frobnicate",))])
def test_wrong_flags(daemon: str, words: tuple[str, ...]) -> None:
    done = subprocess.run([str(checks.binaries() / daemon), *words], capture_output=True,
                          text=True, timeout=20, check=False)
    assert done.returncode == 2
    assert len(done.stderr) > 20


def test_missing_accelerator_port(alone: Alone, tmp_path: Path) -> None:
    done = subprocess.run(netns.command(
        NAMESPACE, str(checks.binaries() / "sluice-agent"), "run", "--state-dir", str(tmp_path),
        "--run-dir", str(tmp_path), "--accelerator-port", "acc9", "--fabric-port", "fab9",
        "--pin-dir", "/sys/fs/bpf/sltest"), capture_output=True, text=True, timeout=20,
        check=False)
    assert done.returncode in (1, 2)
    assert "acc9" in done.stderr or "join" in done.stderr
    assert not Path("/sys/fs/bpf/sltest").exists()
