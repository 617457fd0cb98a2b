"""The lab as a whole: up, down, and everything about it in between."""

from __future__ import annotations

import os
import re
import shutil
import socket
import time
from pathlib import Path
from typing import Any, Callable

from . import checks, lldp, netns, network, processes
from . import plan as plans
from .api import Api, wait_until
from .errors import LabError, NoUseWaiting
from .journal import Journal, process_start
from .plan import Machine, Plan

RUN_DIRECTORY = Path("/run/sluice-lab")
PIN_DIRECTORY = checks.BPFFS / "sluice-lab"
WIREGUARD_SOCKETS = Path("/var/run/wireguard")
API_PORT = 8080
CONTROL_PORT = 51819
TUNNEL_PORT = 51820
AGENT_CONTROL_PORT = 51821
FLEET = "lab"
CONTROLLER = "controller"

Progress = Callable[[str], None]


def agent_name(node: str) -> str:
    return f"agent-{node}"


def _silent(_: str) -> None:
    pass


class Lab:
    """One lab on this machine. Tests may run a second one beside it under another
    run directory, pin directory and API port, with other names in its plan."""

    def __init__(self, run_directory: Path = RUN_DIRECTORY, pin_directory: Path = PIN_DIRECTORY,
                 api_port: int = API_PORT, progress: Progress = _silent) -> None:
        self.run_directory = run_directory
        self.pin_directory = pin_directory
        self.api_port = api_port
        self.journal = Journal(run_directory)
        self.processes = processes.Processes(self.journal, run_directory / "logs")
        self.api = Api(f"http://127.0.0.1:{api_port}",
                       run_directory / "controller" / "state" / "admin.token")
        self.progress = progress
        self._plan: Plan | None = None

    # What is there.

    @property
    def plan(self) -> Plan:
        """The plan of the lab that is up."""
        if self._plan is None:
            if self.phase() != "up":
                raise LabError("no lab is up; start one with `./run lab up`")
            self._plan = plans.load(self.run_directory / "plan.dot")
        return self._plan

    def phase(self) -> str:
        """"down", "up", or "half" for what a killed `up` or `down` left behind, and for a
        lab whose every process was killed."""
        if not self.journal.exists():
            return "down"
        made = self.journal.latest("phase").get("phase") == "up"
        return "up" if made and self._running() else "half"

    def _running(self) -> list[int]:
        """The lab's processes that live, those that the journal does not name included."""
        found = self.processes.alive()
        return found + [pid for name in self._namespaces() if netns.exists(name)
                        for pid in netns.pids(name) if pid not in found]

    def _namespaces(self) -> list[str]:
        """The names of all namespaces that the lab made or was about to make."""
        names = [n for entry in self.journal.entries("namespaces") for n in entry["names"]]
        return list(dict.fromkeys(names))

    def node(self, name: str) -> Machine:
        machine = self.plan.machines.get(name)
        if machine is None or not machine.is_node:
            names = ", ".join(n.name for n in self.plan.nodes)
            raise LabError(f'the lab has no node "{name}"; it has {names}')
        return machine

    def control_directory(self) -> Path:
        return self.run_directory / "controller"

    def node_directory(self, name: str) -> Path:
        return self.run_directory / "nodes" / name

    # Up.

    def up(self, plan_path: Path = plans.DEFAULT_PLAN, declare: bool = False) -> None:
        """`declare`: the controller gets the plan too, and enforces it from then on."""
        began = time.monotonic()
        plan = plans.load(plan_path)
        checks.check_root()
        checks.check_tools()
        checks.check_daemons()
        self.journal.lock()
        try:
            self._refuse_or_clear()
            if holder := checks.port_holder(self.api_port):
                raise LabError(f"port {self.api_port} of this machine, where the lab's API "
                               f"belongs, is taken by {holder}; end that first")
            network.refuse_foreign(plan)
            self._build(plan, plan_path)
        except BaseException:
            if self.phase() != "up":
                self._clear()
            raise
        finally:
            self.journal.unlock()
        if declare:
            self.declare()
        self.progress(f"the lab is up ({time.monotonic() - began:.1f} s)")

    def declare(self, plan_path: Path | None = None) -> None:
        """Makes the lab's own plan, or another, the fleet's; waits until the wires compare."""
        self.ctl("plan", "set", str(plan_path or self.run_directory / "plan.dot"))
        if plan_path is None:
            wait_until("the wires to be as planned", lambda: self.findings() == [], 15)

    def findings(self) -> list[dict[str, Any]]:
        """What the controller says is wrong with the wiring."""
        return self.api.call("GET", "/api/v1/topology?findings=1")["findings"]

    def wires(self) -> dict[str, dict[str, Any]]:
        """The plan's cables, each under the names of both of its ends."""
        wires = self.api.call("GET", "/api/v1/topology")["wires"]
        return {wire[end]: wire for wire in wires for end in ("a", "b")}

    def _refuse_or_clear(self) -> None:
        phase = self.phase()
        if phase == "up":
            owner = self.journal.latest("owner")
            raise LabError(f"a lab is up already (plan {owner.get('plan')}); take it down first "
                           "with `./run lab down`")
        if phase == "half" and self.journal.path.exists():
            self.progress("clearing away what a killed lab left behind")
            self._clear(keep_directory=True)

    def _build(self, plan: Plan, plan_path: Path) -> None:
        self.journal.record("owner", pid=os.getpid(), start=process_start(os.getpid()),
                            plan=str(plan_path))
        shutil.copyfile(plan_path, self.run_directory / "plan.dot")
        self._plan = plan
        self._mount_bpffs()
        if not WIREGUARD_SOCKETS.exists():
            self.journal.record("wireguard_directory", path=str(WIREGUARD_SOCKETS))
        self.progress(f"namespaces and cables: {len(plan.nodes)} nodes, "
                       f"{len(plan.switches)} switches")
        network.build(plan, self.journal)
        lldp.start_all(self)
        self.progress("controller")
        self.start_controller()
        self.progress("nodes join")
        tokens = {node.name: self._add_node(node) for node in plan.nodes}
        netns.in_parallel([lambda n=n: self._join(n, tokens[n.name]) for n in plan.nodes])
        self.wait_online()
        self.journal.record("phase", phase="up")

    def _mount_bpffs(self) -> None:
        if not checks.bpffs_mounted():
            self.journal.record("bpffs", path=str(checks.BPFFS))
            netns.call(["mount", "-t", "bpf", "bpf", str(checks.BPFFS)])
        self.journal.record("pins", path=str(self.pin_directory))
        self.pin_directory.mkdir(parents=True, exist_ok=True)

    def _add_node(self, node: Machine) -> str:
        words = ["node", "add", node.name, "--enclosure", node.enclosure]
        if node.role == "gateway":
            words += ["--role", "gateway"]
        for prefix in node.prefixes:
            words += ["--prefix", prefix]
        said = self.ctl(*words)
        token = re.search(r"sluice1\.[\w.-]+", said)
        if not token:
            raise LabError(f"`sluicectl {' '.join(words)}` printed no join token: {said}")
        return token.group(0)

    def _join(self, node: Machine, token: str) -> None:
        file = self.node_directory(node.name) / "join.token"
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as out:
            out.write(token + "\n")
        self.start_agent(node.name, token_file=file)
        try:
            self._wait_node(node.name, 20)
        finally:
            file.unlink(missing_ok=True)

    def _wait_node(self, name: str, seconds: float) -> None:
        def online() -> bool:
            if self.processes.pid(agent_name(name)) is None:
                raise NoUseWaiting(f"the agent of {name} ended; its log "
                             f"{self.processes.log_path(agent_name(name))} ends with:\n"
                             + self.processes.log_tail(agent_name(name)))
            return self.api.nodes().get(name, {}).get("state") == "online"

        try:
            wait_until(f"node {name} to be online", online, seconds)
        except NoUseWaiting:
            raise
        except LabError as error:
            raise LabError(f"{error}; its agent's log ends with:\n"
                           + self.processes.log_tail(agent_name(name))) from error

    def wait_online(self, seconds: float = 15.0) -> None:
        """Waits until the controller sees every node, with its configuration applied."""
        def all_online() -> bool:
            nodes = self.api.nodes()
            return all(nodes.get(n.name, {}).get("state") == "online"
                       and nodes[n.name]["applied_generation"]
                       == nodes[n.name]["desired_generation"] for n in self.plan.nodes)

        wait_until("all nodes to be online", all_online, seconds)

    # Daemons.

    def start_controller(self, *more: str) -> None:
        """Starts the controller in its namespace. Its API socket is opened here, in the
        host's namespace, and handed down."""
        base = self.control_directory()
        ready = base / "run" / "ready"
        for part in ("state", "run"):
            (base / part).mkdir(parents=True, exist_ok=True)
        ready.unlink(missing_ok=True)
        device = f"slc-{self.plan.controller.name}"
        self.journal.record("devices", names=[device])
        with self._api_socket() as listener:
            self.processes.start(CONTROLLER, self.plan.controller.name, [
                str(checks.binaries() / "sluice-controller"),
                "--state-dir", str(base / "state"), "--run-dir", str(base / "run"),
                "--fleet", FLEET, "--control-device", device,
                "--control-port", str(CONTROL_PORT),
                "--endpoint", f"{self.plan.controller_address}:{CONTROL_PORT}",
                "--api-fd", str(listener.fileno()), *self._dark_node(more), *more], pass_fds=[listener.fileno()])

        def is_ready() -> bool:
            if self.processes.pid(CONTROLLER) is None:
                raise NoUseWaiting("the controller ended; its log ends with:\n"
                             + self.processes.log_tail(CONTROLLER))
            return ready.exists()

        wait_until("the controller to be ready", is_ready, 15)

    @staticmethod
    def _dark_node(more: tuple[str, ...]) -> list[str]:
        """The lab shows that the kernel enforces leases with the agent dead, so its
        controller lets the leases of silent nodes run on unless it is told otherwise."""
        return [] if "--dark-node" in more else ["--dark-node", "ignore"]

    def _api_socket(self) -> socket.socket:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", self.api_port))
            listener.listen(128)
        except OSError as error:
            holder = checks.port_holder(self.api_port) or "another process"
            listener.close()
            raise LabError(f"port {self.api_port} of this machine is taken by {holder}; "
                           "end that first") from error
        return listener

    def agent_words(self, name: str) -> list[str]:
        """The command line that all subcommands of the node's agent share."""
        base = self.node_directory(name)
        words = ["--state-dir", str(base / "state"), "--run-dir", str(base / "run"),
                 "--accelerator-port", "acc0"]
        for port in self.node(name).ports:
            words += ["--fabric-port", port]
        return words + ["--tunnel-device", f"slu-{name}", "--tunnel-port", str(TUNNEL_PORT),
                        "--control-device", f"slc-{name}",
                        "--control-listen-port", str(AGENT_CONTROL_PORT),
                        "--pin-dir", str(self.pin_directory / name)]

    def start_agent(self, name: str, token_file: Path | None = None,
                    more: tuple[str, ...] = ()) -> None:
        base = self.node_directory(name)
        for part in ("state", "run"):
            (base / part).mkdir(parents=True, exist_ok=True)
        self.journal.record("devices", names=[f"slu-{name}", f"slc-{name}"])
        words = [str(checks.binaries() / "sluice-agent"), "run", *self.agent_words(name), *more]
        if token_file is not None:
            words += ["--token-file", str(token_file)]
        self.processes.start(agent_name(name), self.node(name).dpu, words)

    def restart_agent(self, name: str) -> None:
        """Starts the agent of a node that joined before, and waits for its session."""
        self.processes.stop(agent_name(name))
        self.start_agent(name)
        self._wait_node(name, 15)

    def ctl(self, *words: str, check: bool = True) -> str:
        """Runs sluicectl against this lab and returns what it printed."""
        done = netns.call([str(checks.binaries() / "sluicectl"), "--api", self.api.base,
                           "--token-file", str(self.control_directory() / "state" / "admin.token"),
                           *words], check=check)
        return done.stdout

    # Down.

    def down(self) -> bool:
        """Takes everything away; False if there was nothing."""
        checks.check_root()
        if not self.journal.exists():
            return False
        self.journal.lock()
        try:
            self._clear()
        finally:
            self.journal.unlock()
        return True

    def _clear(self, keep_directory: bool = False) -> None:
        names = [n for n in self._namespaces() if netns.exists(n)]
        if stuck := processes.end_all(self._running()):
            raise LabError(f"processes {stuck} cannot be ended; end them, then run "
                           "`./run lab down` again")
        if names:
            netns.ip_batch(f"netns delete {name}" for name in names)
        self._clear_devices()
        self._clear_pins()
        lldp.clear(self)
        if keep_directory:
            self._clear_directory_but_lock()
        else:
            self.journal.remove()
        self._plan = None

    def _clear_devices(self) -> None:
        """The sockets that wireguard-go leaves when it is killed."""
        for entry in self.journal.entries("devices"):
            for name in entry["names"]:
                (WIREGUARD_SOCKETS / f"{name}.sock").unlink(missing_ok=True)
        made = self.journal.latest("wireguard_directory")
        if made and WIREGUARD_SOCKETS.is_dir() and not any(WIREGUARD_SOCKETS.iterdir()):
            WIREGUARD_SOCKETS.rmdir()

    def _clear_pins(self) -> None:
        for entry in self.journal.entries("pins"):
            shutil.rmtree(entry["path"], ignore_errors=True)
            if Path(entry["path"]).exists():
                raise LabError(f"BPF pins remain in {entry['path']}; remove them")
        for entry in self.journal.entries("bpffs"):
            mount = Path(entry["path"])
            if checks.bpffs_mounted() and not any(mount.iterdir()):
                netns.call(["umount", str(mount)], check=False)

    def _clear_directory_but_lock(self) -> None:
        for item in self.run_directory.iterdir():
            if item.is_dir():
                shutil.rmtree(item)
            elif item != self.journal.path:
                item.unlink()
        self.journal.path.unlink(missing_ok=True)

    def status(self) -> dict[str, Any]:
        """What `lab status -o json` prints."""
        phase = self.phase()
        answer: dict[str, Any] = {"phase": phase}
        if phase != "up":
            return answer
        answer.update(plan=self.journal.latest("owner").get("plan"), api=self.api.base,
                      run_directory=str(self.run_directory),
                      controller={"pid": self.processes.pid(CONTROLLER)})
        try:
            seen = self.api.nodes()
        except LabError as error:
            seen, answer["api_error"] = {}, str(error)
        answer["nodes"] = [{
            "name": n.name, "enclosure": n.enclosure, "role": n.role, "ipv4": n.v4, "ipv6": n.v6,
            "fabric": {p.name: p.address for p in n.ports.values()},
            "pid": self.processes.pid(agent_name(n.name)),
            "state": seen.get(n.name, {}).get("state", "unknown"),
        } for n in self.plan.nodes]
        return answer


def instance(name: str = "", api_port: int = API_PORT, progress: Progress = _silent) -> Lab:
    """The usual lab, or one beside it that `name` tells apart."""
    suffix = f"-{name}" if name else ""
    return Lab(RUN_DIRECTORY.with_name(RUN_DIRECTORY.name + suffix),
               PIN_DIRECTORY.with_name(PIN_DIRECTORY.name + suffix), api_port, progress)
