"""A Graphviz DOT plan, checked, and the addresses that follow from it.

The syntax is that of Cumulus PTM: nodes, and cables between their ports as
`"a1":"fab0" -- "leaf1":"p1"`. Graphviz itself does the parsing. What is declared of a cable
(speed, max_rtt) is for the controller, which checks it; the lab's cables are all alike.
"""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from .errors import LabError

ROLES = ("node", "gateway", "switch", "controller")
NODE_ATTRIBUTES = {"enclosure", "role", "lldp"}
GRAPH_ATTRIBUTES = {"fabric_mtu", "accelerator_mtu", "gso_max_size"}
DEFAULT_PLAN = Path(__file__).parent / "plans" / "default.dot"
# Devices are called slu-<node> and the kernel allows 15 characters.
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,10}")
PORT = re.compile(r"[a-z][a-z0-9_-]{0,14}")
# A host in the outside world, behind the gateway and in no directly attached network.
OUTSIDE_V4 = "198.51.100.7"
OUTSIDE_V6 = "2001:db8:fffe::7"


@dataclass
class Port:
    """A fabric port: the segment is a connected part of the layer-2 fabric, from 1."""

    name: str
    segment: int = 0
    address: str = ""  # IPv4 without its length, which is 24


@dataclass
class Machine:
    """Anything in the plan: node, gateway, switch or controller."""

    name: str
    role: str
    enclosure: str = ""
    lldp: bool = False  # of switches: says by LLDP which port is which
    ports: dict[str, Port] = field(default_factory=dict)
    v4_net: str = ""  # "10.1.1": the accelerator side's /24
    v6_net: str = ""  # "fd00:ac:1:1::": the accelerator side's /64

    @property
    def is_node(self) -> bool:
        return self.role in ("node", "gateway")

    @property
    def namespaces(self) -> list[str]:
        if self.is_node:
            return [self.acc, self.dpu]
        return [f"sw-{self.name}" if self.role == "switch" else self.name]

    @property
    def acc(self) -> str:
        return f"acc-{self.name}"

    @property
    def dpu(self) -> str:
        return f"dpu-{self.name}"

    @property
    def v4(self) -> str:
        """The accelerator's own address; the DPU's end is .1."""
        return f"{self.v4_net}.2"

    @property
    def v6(self) -> str:
        return f"{self.v6_net}2"

    @property
    def prefixes(self) -> list[str]:
        if self.role == "gateway":
            return ["0.0.0.0/0", "::/0"]
        return [f"{self.v4_net}.0/24", f"{self.v6_net}/64"]


@dataclass
class Cable:
    ends: tuple[tuple[str, str], tuple[str, str]]
    speed: str = ""  # "10Gbit", as the plan says it
    max_rtt: str = ""  # "200us"


@dataclass
class Plan:
    machines: dict[str, Machine]
    cables: list[Cable]
    has_loop: bool
    fabric_mtu: int = 1600
    accelerator_mtu: int = 1500
    gso_max_size: int = 0  # 0: the kernel's default

    @property
    def nodes(self) -> list[Machine]:
        return [m for m in self.machines.values() if m.is_node]

    @property
    def switches(self) -> list[Machine]:
        return [m for m in self.machines.values() if m.role == "switch"]

    @property
    def controller(self) -> Machine:
        return next(m for m in self.machines.values() if m.role == "controller")

    @property
    def direct(self) -> list[Cable]:
        """The cables between two nodes."""
        return [c for c in self.cables if all(self.machines[n].is_node for n, _ in c.ends)]

    @property
    def panel(self) -> str:
        """The namespace through which direct cables run; named after the controller, of
        which each lab has one with a name of its own. Empty if there are none."""
        return f"panel-{self.controller.name}" if self.direct else ""

    @property
    def namespaces(self) -> list[str]:
        names = [ns for m in self.machines.values() for ns in m.namespaces]
        return [*names, self.panel] if self.panel else names

    @property
    def controller_address(self) -> str:
        return next(iter(self.controller.ports.values())).address


def load(path: Path) -> Plan:
    """Reads and checks a plan; the error says where and what to write instead."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LabError(f"cannot read the plan {path}: {error}") from error
    return parse(text, str(path))


def parse(text: str, source: str = "plan") -> Plan:
    graph = _graphviz(text, source)
    where = _Where(text, source)
    if graph.get("directed"):
        raise LabError(f"{source}: cables have no direction: write `graph` and `--`, "
                       "not `digraph` and `->`")
    objects = graph.get("objects", [])
    if any("nodes" in o or "subgraphs" in o for o in objects):
        raise LabError(f"{source}: subgraphs mean nothing in a plan; list the nodes plainly")
    machines = {}
    for entry in objects:
        machine = _machine(entry, where)
        machines[machine.name] = machine
    cables = [_cable(edge, objects, machines, where) for edge in graph.get("edges", [])]
    plan = Plan(machines, cables, switches_loop(machines, cables), **_graph_options(graph, where))
    _number_segments(plan)
    _check_whole(plan, where)
    _address(plan)
    return plan


class _Where:
    """Finds the line that an error is about; Graphviz's JSON does not tell."""

    def __init__(self, text: str, source: str) -> None:
        self.lines = text.splitlines()
        self.source = source

    def __call__(self, *words: str) -> str:
        for number, line in enumerate(self.lines, 1):
            if all(re.search(rf'(?<![\w-]){re.escape(w)}(?![\w-])', line) for w in words):
                return f"{self.source}:{number}"
        return self.source


def _graphviz(text: str, source: str) -> dict:
    try:
        done = subprocess.run(["dot", "-Tdot_json"], input=text, capture_output=True, text=True,
                              timeout=30, check=False)
    except FileNotFoundError as error:
        raise LabError("the program `dot` is missing; install the package graphviz") from error
    if done.returncode != 0:
        said = re.search(r"Error: <stdin>: (.*)", done.stderr)
        words = said.group(1) if said else done.stderr.strip()
        line = re.search(r"in line (\d+)", words)
        place = f"{source}:{line.group(1)}" if line else source
        raise LabError(f"{place}: not a Graphviz graph ({words}); a cable is written "
                       '"a1":"fab0" -- "leaf1":"p1"')
    try:
        return json.loads(done.stdout)
    except json.JSONDecodeError as error:
        raise LabError(f"{source}: the plan must hold exactly one graph, "
                       '`graph fleet { … }`') from error


def _attributes(entry: dict) -> dict[str, str]:
    noise = {"name", "label", "_gvid", "pos", "width", "height", "tail", "head", "tailport",
             "headport", "shape", "color", "style", "fillcolor", "comment"}
    return {k: v for k, v in entry.items() if k not in noise}


def _machine(entry: dict, where: _Where) -> Machine:
    name = entry["name"]
    place = where(name)
    if not NAME.fullmatch(name):
        raise LabError(f'{place}: "{name}" cannot be a name: use 1 to 11 of a-z, 0-9 and -, '
                       "starting with a letter or digit")
    attributes = _attributes(entry)
    for key in attributes:
        if key not in NODE_ATTRIBUTES:
            raise LabError(f'{place}: node "{name}" has an unknown attribute "{key}"; '
                           "known are enclosure, role and lldp")
    enclosure = attributes.get("enclosure", "")
    role = attributes.get("role", "node" if enclosure else "")
    if role not in ROLES:
        raise LabError(f'{place}: say what "{name}" is: [enclosure="east"] for a node, or '
                       f"[role=switch], [role=controller], [role=gateway]"
                       + (f'; "{role}" is no role' if role else ""))
    if role in ("node", "gateway") and not enclosure:
        raise LabError(f'{place}: {role} "{name}" belongs to no enclosure; write '
                       f'"{name}" [enclosure="east"' + (", role=gateway];" if role == "gateway"
                                                        else "];"))
    if role in ("switch", "controller") and enclosure:
        raise LabError(f'{place}: {role} "{name}" cannot be in an enclosure; leave it out')
    return Machine(name, role, enclosure, _says_lldp(name, role, attributes.get("lldp", ""), place))


def _says_lldp(name: str, role: str, text: str, place: str) -> bool:
    if text and role != "switch":
        raise LabError(f'{place}: {role} "{name}" cannot have lldp; that is for switches')
    if not re.fullmatch(r"|yes|no|\d+(s|m|h)", text):
        raise LabError(f'{place}: lldp="{text}" of "{name}" must be yes or no, or how often '
                       'it speaks at least, such as "1s"')
    return text not in ("", "no")


def _cable(edge: dict, objects: list[dict], machines: dict[str, Machine], where: _Where) -> Cable:
    ends = []
    names = (objects[edge["tail"]]["name"], objects[edge["head"]]["name"])
    place = where(*names)
    for name, port in zip(names, (edge.get("tailport"), edge.get("headport"))):
        if not port:
            raise LabError(f'{place}: the cable {names[0]} -- {names[1]} names no port of '
                           f'"{name}"; write "{name}":"fab0"')
        if not PORT.fullmatch(port) or port in ("acc0", "lo", "br0"):
            raise LabError(f'{place}: "{port}" cannot be a fabric port of "{name}": use up to 15 '
                           "of a-z, 0-9, - and _, starting with a letter; not acc0, lo or br0")
        if port in machines[name].ports:
            raise LabError(f'{place}: port "{name}":"{port}" has two cables; a port takes one')
        machines[name].ports[port] = Port(port)
        ends.append((name, port))
    if names[0] == names[1]:
        raise LabError(f'{place}: a cable from "{names[0]}" to itself')
    if all(machines[n].role != "switch" for n in names) and any(
            machines[n].role == "controller" for n in names):
        raise LabError(f'{place}: "{names[0]}" and "{names[1]}" are cabled to each other; '
                       "the controller needs all nodes: put a switch between them")
    return Cable((ends[0], ends[1]), edge.get("speed", ""), edge.get("max_rtt", ""))


def _graph_options(graph: dict, where: _Where) -> dict[str, int]:
    options = {}
    for key in GRAPH_ATTRIBUTES & set(graph):
        value = str(graph[key])
        low, high = (1280, 9216) if key.endswith("mtu") else (1500, 524280)
        if not value.isdigit() or not low <= int(value) <= high:
            raise LabError(f'{where(key)}: {key}="{value}" must be a number from {low} to {high}')
        options[key] = int(value)
    fabric, inner = options.get("fabric_mtu", 1600), options.get("accelerator_mtu", 1500)
    if fabric < inner + 80:
        raise LabError(f"{where('fabric_mtu')}: the fabric's MTU {fabric} must be 80 above the "
                       f"accelerators' {inner}: a tunnelled packet grows by that much")
    return options


def switches_loop(machines: dict[str, Machine], cables: list[Cable]) -> bool:
    """Whether switches alone form a cycle; nodes do not forward between their ports."""
    parent = {name: name for name in machines}

    def root(name: str) -> str:
        while parent[name] != name:
            name = parent[name]
        return name

    for cable in cables:
        (left, _), (right, _) = cable.ends
        if machines[left].role == machines[right].role == "switch":
            if root(left) == root(right):
                return True
            parent[root(left)] = root(right)
    return False


def _number_segments(plan: Plan) -> None:
    """A segment is a connected part of the graph whose inner points are switches, or a
    direct cable. Switches come first: a direct cable changes no address of theirs."""
    neighbours: dict[str, list[tuple[str, str]]] = {s.name: [] for s in plan.switches}
    for cable in plan.cables:
        for here, there in (cable.ends, cable.ends[::-1]):
            if here[0] in neighbours:
                neighbours[here[0]].append(there)
    number = 0
    seen: set[str] = set()
    for switch in plan.switches:
        if switch.name in seen:
            continue
        number += 1
        queue = [switch.name]
        while queue:
            name = queue.pop()
            if name in seen:
                continue
            seen.add(name)
            for peer, port in neighbours[name]:
                plan.machines[peer].ports[port].segment = number
                if peer in neighbours:
                    queue.append(peer)
    for cable in plan.direct:
        number += 1
        for name, port in cable.ends:
            plan.machines[name].ports[port].segment = number


def _check_whole(plan: Plan, where: _Where) -> None:
    controllers = [m.name for m in plan.machines.values() if m.role == "controller"]
    if len(controllers) != 1:
        raise LabError(f"{where.source}: a plan has exactly one controller, this one has "
                       f'{len(controllers)}; write "ctl" [role=controller];')
    gateways = [m.name for m in plan.nodes if m.role == "gateway"]
    if len(gateways) > 1:
        raise LabError(f"{where(gateways[1])}: only one gateway can hold the outside world's "
                       f"prefixes; {', '.join(gateways)} all claim them")
    if len(plan.nodes) < 2:
        raise LabError(f"{where.source}: a fleet needs at least two nodes to have a link")
    if not plan.controller.ports:
        raise LabError(f"{where(controllers[0])}: the controller has no cable")
    home = next(iter(plan.controller.ports.values())).segment
    for node in plan.nodes:
        if home not in {p.segment for p in node.ports.values()}:
            raise LabError(f'{where(node.name)}: node "{node.name}" cannot reach the controller: '
                           "cable it to a switch that is connected to the controller's first port")
    taken: dict[str, str] = {}
    for machine in plan.machines.values():
        for namespace in machine.namespaces:
            if namespace in taken:
                raise LabError(f'{where(machine.name)}: "{machine.name}" and '
                               f'"{taken[namespace]}" would share the namespace {namespace}')
            taken[namespace] = machine.name


def _address(plan: Plan) -> None:
    enclosures: dict[str, int] = {}
    members: dict[str, int] = {}
    hosts: dict[int, int] = {}
    for machine in plan.machines.values():
        if machine.role == "gateway":
            machine.v4_net, machine.v6_net = "203.0.113", "2001:db8:ffff::"
        elif machine.role == "node":
            group = enclosures.setdefault(machine.enclosure, len(enclosures) + 1)
            member = members[machine.enclosure] = members.get(machine.enclosure, 0) + 1
            machine.v4_net, machine.v6_net = f"10.{group}.{member}", f"fd00:ac:{group}:{member}::"
        if machine.role == "switch":
            continue
        for port in machine.ports.values():
            host = hosts[port.segment] = hosts.get(port.segment, 0) + 1
            port.address = f"172.31.{port.segment}.{host}"
    if max([0, *enclosures.values(), *members.values(), *hosts, *hosts.values()]) > 250:
        raise LabError("the plan is too large: at most 250 enclosures, nodes in one enclosure, "
                       "fabric segments, and ports in one of them")
