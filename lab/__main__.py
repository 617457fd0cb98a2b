"""The lab's command line: `python3 -m lab up | down | status | exec | kill | start |
rewire | demo`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from . import checks, netns, rewire
from .errors import LabError
from .lab import API_PORT, CONTROLLER, Lab, agent_name, instance
from .plan import DEFAULT_PLAN


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lab", description="A Sluice fleet on this machine.")
    parser.add_argument("--instance", default="", metavar="NAME",
                        help="a lab beside the usual one; its plan must use other names")
    parser.add_argument("--port", type=int, default=API_PORT, help="of the API")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="start the lab from a plan")
    up.add_argument("plan", nargs="?", type=Path, default=DEFAULT_PLAN, metavar="PLAN.dot")
    up.add_argument("--undeclared", action="store_true",
                    help="the controller gets no plan, and checks no wire")
    commands.add_parser("down", help="take the lab away, whole or half-made")
    status = commands.add_parser("status", help="what is running, and under which addresses")
    status.add_argument("-o", "--output", choices=("text", "json"), default="text")
    inside = commands.add_parser("exec", help="run a command where a node's accelerators are")
    inside.add_argument("--dpu", action="store_true", help="run it on the node's DPU instead")
    inside.add_argument("node", metavar="NODE")
    inside.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND")
    for name, words in (("kill", "SIGKILL a node's agent, or the controller"),
                        ("start", "start it again")):
        one = commands.add_parser(name, help=words)
        one.add_argument("daemon", metavar=f"NODE|{CONTROLLER}")
    _add_rewire(commands.add_parser("rewire", help="change cables while the lab runs"))
    demo = commands.add_parser("demo", help="tell the story, with figures")
    demo.add_argument("--once", action="store_true", help="end after the story")
    demo.add_argument("--report", type=Path, metavar="FILE.json", help="write what was measured")
    demo.add_argument("--no-color", action="store_true")
    return parser


def _add_rewire(parser: argparse.ArgumentParser) -> None:
    steps = parser.add_subparsers(dest="step", required=True, metavar="STEP")
    swap = steps.add_parser("swap", help="the cables at two ports change places")
    swap.add_argument("port", metavar="A:PORT")
    swap.add_argument("other", metavar="B:PORT")
    for name, words in (("cut", "both ends of the cable lose their carrier"),
                        ("mend", "a cut cable is whole again")):
        steps.add_parser(name, help=words).add_argument("port", metavar="A:PORT")
    splice = steps.add_parser("splice", help="put a bridge, or a relay, into the cable")
    splice.add_argument("port", metavar="A:PORT")
    how = splice.add_mutually_exclusive_group()
    how.add_argument("--delay", metavar="TIME", help="a relay that holds each frame: 2ms, 500us")
    how.add_argument("--relay", dest="delay", action="store_const", const="0",
                     help="a relay that holds nothing back")
    steps.add_parser("restore", help="everything as the plan has it")
    show = steps.add_parser("show", help="what differs from the plan")
    show.add_argument("-o", "--output", choices=("text", "json"), default="text")


def _say(text: str) -> None:
    print(f"lab: {text}", flush=True)


def _lab(arguments: argparse.Namespace) -> Lab:
    return instance(arguments.instance, arguments.port, _say)


def _up(arguments: argparse.Namespace) -> int:
    lab = _lab(arguments)
    lab.up(arguments.plan, declare=not arguments.undeclared)
    _say(f"API and console: {lab.api.base}; next: ./run lab status, ./run ctl node list")
    return 0


def _down(arguments: argparse.Namespace) -> int:
    _say("down" if _lab(arguments).down() else "there was no lab")
    return 0


def _status(arguments: argparse.Namespace) -> int:
    status = _lab(arguments).status()
    if arguments.output == "json":
        print(json.dumps(status, indent=2))
        return 0 if status["phase"] == "up" else 1
    if status["phase"] != "up":
        print("no lab is up" if status["phase"] == "down"
              else "a lab is half up or half down; `./run lab down` clears it away")
        return 1
    print(f"plan        {status['plan']}\nAPI         {status['api']}"
          f"\nlogs, state {status['run_directory']}"
          f"\ncontroller  {_running(status['controller']['pid'])}")
    if "api_error" in status:
        print(f"            {status['api_error']}")
    rows = [("NODE", "ENCLOSURE", "STATE", "AGENT", "IPV4", "IPV6", "FABRIC")]
    rows += [(n["name"], n["enclosure"], n["state"], _running(n["pid"]), n["ipv4"], n["ipv6"],
              " ".join(f"{k} {v}" for k, v in n["fabric"].items())) for n in status["nodes"]]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    return 0


def _running(pid: int | None) -> str:
    return f"process {pid}" if pid else "not running"


def _exec(arguments: argparse.Namespace) -> int:
    checks.check_root()
    node = _lab(arguments).node(arguments.node)
    words = arguments.words[1:] if arguments.words[:1] == ["--"] else arguments.words
    if not words:
        raise LabError("say which command to run: ./run lab exec a1 ping 10.2.1.2")
    sys.stdout.flush()
    full = netns.command(node.dpu if arguments.dpu else node.acc, *words)
    os.execvp(full[0], full)


def _kill(arguments: argparse.Namespace) -> int:
    checks.check_root()
    lab = _lab(arguments)
    lab.processes.kill(_daemon(lab, arguments.daemon))
    _say(f"killed {arguments.daemon}; its leases run out, nothing opens. "
         f"Start it again: ./run lab start {arguments.daemon}")
    return 0


def _start(arguments: argparse.Namespace) -> int:
    checks.check_root()
    lab = _lab(arguments)
    if _daemon(lab, arguments.daemon) == CONTROLLER:
        lab.start_controller()
    else:
        lab.restart_agent(arguments.daemon)
    _say(f"{arguments.daemon} runs")
    return 0


def _rewire(arguments: argparse.Namespace) -> int:
    checks.check_root()
    lab = _lab(arguments)
    if arguments.step == "show":
        return _show_wiring(rewire.show(lab), arguments.output == "json")
    if arguments.step == "swap":
        rewire.swap(lab, arguments.port, arguments.other)
    elif arguments.step == "splice":
        delay = None if arguments.delay is None else rewire.delay_us(arguments.delay)
        _say(f"the box is the namespace {rewire.splice(lab, arguments.port, delay)}")
    elif arguments.step == "restore":
        rewire.restore(lab)
    else:
        {"cut": rewire.cut, "mend": rewire.mend}[arguments.step](lab, arguments.port)
    return 0


def _show_wiring(shown: dict[str, Any], as_json: bool) -> int:
    if as_json:
        print(json.dumps(shown, indent=2))
        return 0
    if shown["interrupted"]:
        print("a rewiring was interrupted: `./run lab rewire restore`")
    for port in shown["moved"]:
        print(f"{port['port']} is cabled to {port['actual']}, planned is {port['planned']}")
    for port in shown["cut"]:
        print(f"the cable at {port} is cut")
    for box in shown["spliced"]:
        kind = ("a bridge" if box["delay_us"] is None
                else f"a relay with a delay of {box['delay_us']} us")
        print(f"{kind} ({box['namespace']}) is in the cable at {box['port']}")
    for rogue in shown["rogues"]:
        print(f"{rogue['namespace']} is plugged into {rogue['switch']}:{rogue['port']}")
    if shown["whole"]:
        print("all cables are as planned")
    return 0


def _daemon(lab: Lab, name: str) -> str:
    if name in (CONTROLLER, lab.plan.controller.name):
        return CONTROLLER
    return agent_name(lab.node(name).name)


def _demo(arguments: argparse.Namespace) -> int:
    from . import demo  # only now: the other commands need none of it
    return demo.main(_lab(arguments), arguments.once, arguments.report,
                     color=not arguments.no_color)


def main() -> int:
    commands = {"up": _up, "down": _down, "status": _status, "exec": _exec, "kill": _kill,
                "start": _start, "rewire": _rewire, "demo": _demo}
    arguments = _parser().parse_args()
    # A terminated lab clears up after itself like an interrupted one.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    try:
        return commands[arguments.command](arguments)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


if __name__ == "__main__":
    sys.exit(main())
