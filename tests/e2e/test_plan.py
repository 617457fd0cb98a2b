"""Plans that are wrong are refused, with the place and what to write."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab import plan
from lab.errors import LabError
from lab.wiring import Wiring

GOOD = """graph g {
  "x1" [enclosure="e"]; "x2" [enclosure="f"];
  "c" [role=controller]; "s" [role=switch];
  "x1":"fab0" -- "s":"p1"; "x2":"fab0" -- "s":"p2"; "c":"fab0" -- "s":"p3";
}"""


def test_default_plan() -> None:
    default = plan.load(plan.DEFAULT_PLAN)
    assert {n.name: n.enclosure for n in default.nodes} == {
        "a1": "east", "a2": "east", "b1": "west", "b2": "west", "gw": "outside"}
    assert not default.has_loop
    addresses = [n.v4 for n in default.nodes] + [n.v6 for n in default.nodes]
    addresses += [p.address for m in default.machines.values() if m.role != "switch"
                  for p in m.ports.values()]
    assert len(set(addresses)) == len(addresses)


def test_two_rails_are_two_segments() -> None:
    text = GOOD.replace("}", '"s2" [role=switch]; "x1":"fab1" -- "s2":"p1"; '
                        '"x2":"fab1" -- "s2":"p2"; }')
    parsed = plan.parse(text)
    ports = parsed.machines["x1"].ports
    assert ports["fab0"].segment != ports["fab1"].segment
    assert ports["fab0"].address.rsplit(".", 1)[0] != ports["fab1"].address.rsplit(".", 1)[0]


def test_loop_of_switches_is_seen() -> None:
    text = GOOD.replace("}", '"t" [role=switch]; "s":"u1" -- "t":"u1"; "s":"u2" -- "t":"u2"; }')
    assert plan.parse(text).has_loop
    assert not plan.parse(GOOD).has_loop


def test_direct_cable_is_a_segment_of_its_own() -> None:
    text = GOOD.replace("}", '"x1":"fab1" -- "x2":"fab1" [speed="10Gbit", max_rtt="200us"]; }')
    parsed, plain = plan.parse(text), plan.parse(GOOD)
    (cable,) = parsed.direct
    assert (cable.speed, cable.max_rtt) == ("10Gbit", "200us")
    assert {(c.speed, c.max_rtt) for c in parsed.cables if c != cable} == {("", "")}
    ends = [parsed.machines[name].ports[port] for name, port in cable.ends]
    assert ends[0].segment == ends[1].segment == 2
    assert {p.address for p in ends} == {"172.31.2.1", "172.31.2.2"}
    for name in ("x1", "x2", "c"):
        assert (parsed.machines[name].ports["fab0"].address
                == plain.machines[name].ports["fab0"].address)
    assert parsed.namespaces == [*plain.namespaces, "panel-c"] and not plain.panel


def test_panel_devices_fit_the_kernel_and_differ() -> None:
    text = GOOD.replace('"x2"', '"x-long-name"').replace(
        "}", '"x1":"a-long-port1" -- "x-long-name":"a-long-port2"; }')
    devices = [jack.device for jack in Wiring(plan.parse(text)).jacks.values()]
    assert len(set(devices)) == len(devices) and all(len(d) <= 15 for d in devices)


def test_plans_of_the_repository() -> None:
    wired = plan.load(plan.DEFAULT_PLAN.with_name("wired.dot"))
    assert {c.ends for c in wired.direct} == {
        (("a1", "fab1"), ("b1", "fab1")), (("a2", "fab1"), ("b2", "fab1"))}
    for parsed in (wired, plan.load(plan.DEFAULT_PLAN)):
        assert [s.lldp for s in parsed.switches] == [True, True]
    assert not any(s.lldp for s in plan.parse(GOOD).switches)


@pytest.mark.parametrize("old, new, place, words", [
    ('"x1":"fab0" --', '"x1" --', ":4", 'names no port of "x1"'),
    ('"x1" [enclosure="e"];', "", ":4", 'say what "x1" is'),
    ('"x1" [enclosure="e"]', '"x1" [enclosure="e", role=router]', ":2", '"router" is no role'),
    ('"x1" [enclosure="e"]', '"x1" [enclosure="e", speed=9]', ":2", 'unknown attribute "speed"'),
    ('"s":"p2"', '"s":"p1"', ":4", "two cables"),
    ('"c" [role=controller];', '"c" [role=switch];', "", "exactly one controller"),
    ('"c":"fab0" -- "s":"p3"', '"c":"fab0" -- "x1":"fab1"', ":4", "put a switch between"),
    ('"x2":"fab0" -- "s":"p2"', '"x2":"fab0" -- "x1":"fab1"', ":2", "cannot reach the controller"),
    ('"s" [role=switch]', '"s" [role=switch, lldp=maybe]', ":3", "must be yes or no"),
    ('"x1" [enclosure="e"]', '"x1" [enclosure="e", lldp="1s"]', ":2", "that is for switches"),
    ("graph g {", "digraph g {", "", "not a Graphviz graph"),
    ("graph g {", "graph g { fabric_mtu=1500;", ":1", "80 above"),
    ("graph g {", "graph g { fabric_mtu=banana;", ":1", "must be a number"),
    ('"x1"', '"much-too-long-x1"', ":2", "1 to 11 of"),
    ('"x1"', '"X1"', ":2", "cannot be a name"),
    ('"x2":"fab0" -- "s":"p2";', "", "", "cannot reach the controller"),
    ('"x2" [enclosure="f"]', '"x2" [enclosure="f", role=gateway]; '
     '"x3" [enclosure="f", role=gateway]', ":2", "only one gateway"),
    ("}", "", "", "not a Graphviz graph"),
    ('"s" [role=switch]', '"s" [role=switch, enclosure="e"]', ":3", "cannot be in an enclosure"),
])
def test_wrong_plans(old: str, new: str, place: str, words: str) -> None:
    assert old in GOOD
    with pytest.raises(LabError) as error:
        plan.parse(GOOD.replace(old, new), "p.dot")
    assert str(error.value).startswith(f"p.dot{place}")
    assert words in str(error.value)


@pytest.mark.parametrize("text", ["", "graph g {} graph h {}", "\0\1\2", "hello"])
def test_garbage(text: str) -> None:
    with pytest.raises(LabError):
        plan.parse(text)


def test_unreadable(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="cannot read the plan"):
        plan.load(tmp_path / "none.dot")
    binary = tmp_path / "binary.dot"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LabError, match="cannot read the plan"):
        plan.load(binary)
