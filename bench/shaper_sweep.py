#!/usr/bin/env python3
"""How well TCP fills a lease, and what that costs in delay.

Builds two nodes in network namespaces, joined by wireguard-go (or the kernel's
WireGuard), with the gate and the shaper of one of them between two hosts, and
measures for each rate and variant of the shaper: the rate of IP bytes that
arrive with 1 and 16 TCP flows under bbr and cubic, the round trip under load,
and the largest excess over rate * T + burst in any window, from a capture
behind the shaper. Prints JSON with the machine and the kernel.

    ./run bench shaper_sweep
    ./run bench shaper_sweep --rates 100M --variant queue_ns=4000000 \
        --variant queue_ns=8000000,htb_burst=50000

A variant changes the shaper's own plan; without one the plan is measured as it is.
Needs root, iperf3, tcpdump, wireguard-tools.
"""

import argparse
import json
import os
import platform
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

HOSTS = ("shaper-xa", "shaper-xb")
NODES = ("shaper-d1", "shaper-d2")
TUNNELS = ("shpr1", "shpr2")
MTU = 1500
PAYLOAD = 1448  # of a full TCP segment with timestamps
FLOWS = (1, 16)
CONTROLS = ("bbr", "cubic")
SUFFIXES = {"k": 10**3, "M": 10**6, "G": 10**9}


def run(command, **options):
    return subprocess.run(command, shell=True, check=True, text=True, capture_output=True,
                          **options).stdout


def within(namespace, command):
    # Not "ip netns exec": that would hide the BPF file system.
    return f"nsenter --net=/run/netns/{namespace} {command}"


class Testbed:
    """Two hosts, two nodes and the tunnel between them; a context manager."""

    def __init__(self, bench):
        self.bench_path = bench
        self.scratch = tempfile.mkdtemp(prefix="shaper-sweep-")
        self.pins = f"/sys/fs/bpf/shaper-sweep-{os.getpid()}"
        self.bench = None
        self.server = None

    def __enter__(self):
        try:
            self.clear()
            self.build()
        except BaseException:
            self.clear()
            raise
        return self

    def __exit__(self, *_):
        self.clear()

    def clear(self):
        if self.bench is not None:
            self.bench.stdin.close()
            self.bench.wait()
            self.bench = None
        if self.server is not None:
            self.server.kill()
            self.server.wait()
            self.server = None
        for node, tunnel in zip(NODES, TUNNELS):
            subprocess.run(f"ip -n {node} link del {tunnel}", shell=True, capture_output=True)
        for name in HOSTS + NODES:
            subprocess.run(f"ip netns del {name}", shell=True, capture_output=True)
        shutil.rmtree(self.scratch, ignore_errors=True)

    def build(self):
        os.makedirs(self.scratch, exist_ok=True)
        for name in HOSTS + NODES:
            run(f"ip netns add {name} && ip -n {name} link set lo up")
        for i, (host, node) in enumerate(zip(HOSTS, NODES), 1):
            run(f"ip link add eth0 netns {host} type veth peer name acc0 netns {node}")
            run(f"ip -n {host} addr add 10.1.{i}.2/24 dev eth0; ip -n {host} link set eth0 up")
            run(f"ip -n {node} addr add 10.1.{i}.1/24 dev acc0; ip -n {node} link set acc0 up")
            run(f"ip -n {host} route add default via 10.1.{i}.1")
            run(within(node, "sysctl -qw net.ipv4.ip_forward=1"))
        run(f"ip link add fab0 mtu 1600 netns {NODES[0]} type veth "
            f"peer name fab0 mtu 1600 netns {NODES[1]}")
        for i, node in enumerate(NODES, 1):
            run(f"ip -n {node} addr add 10.9.0.{i}/24 dev fab0; ip -n {node} link set fab0 up")
        self.join()
        self.server = subprocess.Popen(within(HOSTS[1], "iperf3 -s").split(),
                                       stdout=subprocess.DEVNULL)
        self.bench = subprocess.Popen(
            within(NODES[0], f"{self.bench_path} acc0 fab0 {TUNNELS[0]} 10.1.1.0/24 10.1.2.0/24 "
                   f"{self.pins}").split(),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.expect("ready")

    def join(self):
        publics = []
        for i, (node, tunnel) in enumerate(zip(NODES, TUNNELS), 1):
            kernel = subprocess.run(f"ip -n {node} link add {tunnel} type wireguard", shell=True,
                                    capture_output=True).returncode == 0
            if not kernel:
                run(within(node, f"wireguard-go {tunnel}"))
            key = f"{self.scratch}/key{i}"
            run(f"umask 077; wg genkey > {key}")
            publics.append(run(f"wg pubkey < {key}").strip())
        for i, (node, tunnel) in enumerate(zip(NODES, TUNNELS), 1):
            far = 3 - i
            run(within(node, f"wg set {tunnel} private-key {self.scratch}/key{i} "
                       f"listen-port 51820 fwmark 0x51 peer {publics[far - 1]} "
                       f"endpoint 10.9.0.{far}:51820 allowed-ips 10.1.{far}.0/24"))
            run(f"ip -n {node} link set {tunnel} mtu {MTU} up")
            run(f"ip -n {node} route add 10.1.{far}.0/24 dev {tunnel}")

    def expect(self, answer=None):
        line = self.bench.stdout.readline().strip()
        if answer is not None and line != answer:
            raise RuntimeError(f"the bench answers {line!r} instead of {answer!r}")
        return line

    def lease(self, rate, burst, variant):
        words = " ".join(f"{k}={v}" for k, v in variant.items())
        self.bench.stdin.write(f"set rate_bps={rate} burst={burst} {words}\n")
        self.bench.stdin.flush()
        self.expect("ok")

    def stat(self):
        self.bench.stdin.write("stat\n")
        self.bench.stdin.flush()
        return json.loads(self.expect())

    def tcp(self, control, flows, seconds):
        """IP bit/s that arrive, segments sent again, and the round trips under load in ms."""
        client = subprocess.Popen(
            within(HOSTS[0], f"iperf3 -c 10.1.2.2 -t {seconds} -O 2 -P {flows} -C {control} -J")
            .split(), stdout=subprocess.PIPE, text=True)
        time.sleep(2)
        count = int((seconds - 0.5) / 0.1)
        ping = subprocess.run(within(HOSTS[0], f"ping -q -i 0.1 -c {count} 10.1.2.2").split(),
                              capture_output=True, text=True).stdout
        end = json.loads(client.communicate()[0])["end"]
        line = [l for l in ping.splitlines() if l.startswith("rtt")]
        rtt = [float(x) for x in line[0].split("=")[1].split()[0].split("/")] if line else None
        return {
            "ip_bps": end["sum_received"]["bits_per_second"] * MTU / PAYLOAD,
            "retransmits": end["sum_sent"]["retransmits"],
            "ping_ms": rtt and {"mean": rtt[1], "max": rtt[2], "mdev": rtt[3]},
        }

    def capture(self):
        path = f"{self.scratch}/capture"
        process = subprocess.Popen(
            within(NODES[0], f"tcpdump -q -n -B 65536 -s 96 --time-stamp-precision=nano "
                   f"-Q out -w {path} -i {TUNNELS[0]}").split(), stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        return process, path


def departures(path):
    """(ns, IP bytes on the wire) of each packet of a raw-IP capture."""
    data = open(path, "rb").read()
    order = "<" if struct.unpack_from("<I", data)[0] == 0xA1B23C4D else ">"
    offset, result = 24, []
    while offset + 16 <= len(data):
        seconds, nanos, have, _ = struct.unpack_from(order + "IIII", data, offset)
        packet = data[offset + 16:offset + 16 + have]
        offset += 16 + have
        if len(packet) < 20 or packet[0] >> 4 != 4:
            continue
        length = struct.unpack_from("!H", packet, 2)[0]
        headers = 4 * (packet[0] & 15)
        if packet[9] == 6 and len(packet) > headers + 12:
            headers += 4 * (packet[headers + 12] >> 4)
        segments = 1
        if length > MTU:  # a super-packet: each segment will have headers of its own
            segments = -(-(length - headers) // (MTU - headers))
        result.append((seconds * 10**9 + nanos, length + (segments - 1) * headers))
    return result


def largest_excess(packets, rate):
    """Over all windows, the most bytes beyond rate * T: what the burst must cover.

    A window that begins with packet i and ends with packet j holds
    sum(i..j) - rate * (t_j - t_i) too many; the largest over i for each j is
    one running maximum (the token bucket's).
    """
    worst = level = 0.0
    last = None
    for at, size in packets:
        if last is not None:
            level = max(0.0, level - (at - last) * rate / 8e9)
        last = at
        level += size
        worst = max(worst, level)
    return worst


def cpu_ticks():
    """All ticks of all CPUs, and those that were idle."""
    with open("/proc/stat") as stat:
        ticks = [int(t) for t in stat.readline().split()[1:9]]
    return sum(ticks), ticks[3] + ticks[4]


def idle_share(before):
    now = cpu_ticks()
    return (now[1] - before[1]) / max(1, now[0] - before[0])


def await_quiet(patience):
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        before = cpu_ticks()
        time.sleep(2)
        if idle_share(before) > 0.7:
            return


def default_burst(rate):
    return min(max(rate // 8 // 25, 32 << 10), 64 << 20)


def measure(bed, rate, burst, variant, args):
    result = {"rate_bps": rate, "burst": burst, "variant": variant, "tcp": []}
    for control in CONTROLS:
        for flows in FLOWS:
            await_quiet(args.patience)
            bed.lease(rate, burst, variant)
            before = bed.stat()
            ticks = cpu_ticks()
            process, path = bed.capture()
            one = {"control": control, "flows": flows, **bed.tcp(control, flows, args.seconds)}
            process.send_signal(signal.SIGINT)
            process.wait()
            after = bed.stat()
            one["fill"] = one["ip_bps"] / rate
            one["excess_bytes"] = largest_excess(departures(path), rate)
            one["within_burst"] = one["excess_bytes"] <= burst
            one["gate_drops"] = after["rate_drops"] - before["rate_drops"]
            one["idle_cpu"] = round(idle_share(ticks), 3)
            result["tcp"].append(one)
            if not args.quiet:
                ping = one["ping_ms"] or {"mean": -1, "max": -1}
                print(f"{rate / 1e6:g} Mbit/s {variant} {control} {flows}: "
                      f"fill {one['fill']:.3f} ping {ping['mean']:.1f}/{ping['max']:.1f} ms "
                      f"excess {one['excess_bytes']:.0f}/{burst} retr {one['retransmits']} "
                      f"drops {one['gate_drops']} idle {one['idle_cpu']:.2f}", file=sys.stderr, flush=True)
    return result


def machine():
    with open("/proc/cpuinfo") as info:
        models = [l.split(":")[1].strip() for l in info if l.startswith("model name")]
    tunnel = subprocess.run("wireguard-go --version", shell=True, capture_output=True, text=True)
    return {
        "cpu": models[0] if models else platform.machine(),
        "cpus": os.cpu_count(),
        "kernel": platform.release(),
        "wireguard_go": (tunnel.stdout.splitlines() or ["none"])[0],
    }


def parse_rate(text):
    return int(float(text[:-1]) * SUFFIXES[text[-1]]) if text[-1] in SUFFIXES else int(text)


def parse_variant(text):
    return {k: int(v) for k, v in (pair.split("=") for pair in text.split(",") if pair)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", help="the built sluice-shaper-bench",
                        default=os.path.join(os.environ.get("SLUICE_BIN", "build/bin"),
                                             "sluice-shaper-bench"))
    parser.add_argument("--rates", default="1M,10M,100M,500M")
    parser.add_argument("--burst", type=int, help="the lease's burst in bytes; default as a quota's")
    parser.add_argument("--variant", action="append", type=parse_variant)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--patience", type=float, default=0,
                        help="wait so many seconds at most for a quiet machine, each time")
    parser.add_argument("--quiet", action="store_true")
    args = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("shaper_sweep: run as root")
    # So that the testbed is taken down too when the sweep is ended from outside.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("shaper_sweep: ended by a signal"))
    results = []
    with Testbed(os.path.abspath(args.bench)) as bed:
        for rate in map(parse_rate, args.rates.split(",")):
            for variant in args.variant or [{}]:
                burst = args.burst or default_burst(rate)
                results.append(measure(bed, rate, burst, variant, args))
    json.dump({"machine": machine(), "results": results}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
