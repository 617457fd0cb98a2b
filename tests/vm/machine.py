"""A machine under QEMU: a stock kernel, this machine's root file system read-only below
a tmpfs, and one directory that both may write."""

from __future__ import annotations

import lzma
import shlex
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Callable

from kernels import Kernel

BUSYBOX = Path("/bin/busybox")
QEMU = "qemu-system-x86_64"
# In the order in which they need each other; what a kernel has built in has no file.
MODULES = ("virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci",
           "netfs", "fscache", "9pnet", "9pnet_virtio", "9p", "overlay")

# The new root is entered with switch_root and not with chroot: the kernel looks for
# modules, which it loads by itself, in the root of its first process.
_INIT = """#!/bin/busybox sh
B=/bin/busybox
$B mount -t proc proc /proc
$B mount -t sysfs sysfs /sys
$B mount -t devtmpfs dev /dev
for module in $($B cat /modules/order); do $B insmod /modules/$module || exit 1; done
options=trans=virtio,version=9p2000.L,msize=512000
$B mount -t 9p -o ro,cache=loose,$options hostroot /host || exit 1
$B mount -t tmpfs tmpfs /upper
$B mkdir /upper/data /upper/work
$B mount -t overlay -o lowerdir=/host,upperdir=/upper/data,workdir=/upper/work root /new || exit 1
$B mount -t proc proc /new/proc
$B mount -t sysfs sysfs /new/sys
$B mount -t bpf bpf /new/sys/fs/bpf
$B mount -t devtmpfs dev /new/dev
$B mkdir -p /new/dev/pts /new/dev/shm
$B mount -t devpts devpts /new/dev/pts
for directory in dev/shm run tmp; do $B mount -t tmpfs tmpfs /new/$directory; done
# Wherever these lie, and whatever is mounted above them by now.
for path in @PATHS@; do
  $B mkdir -p /new$path
  $B mount --bind /host$path /new$path
done
$B mkdir -p /new/run/lock /new/run/shared /new/lib/modules/@RELEASE@
$B ln -sf /proc/self/fd /new/dev/fd
$B mount --bind /host@MODULES@ /new/lib/modules/@RELEASE@
$B mount -t 9p -o $options shared /new/run/shared || exit 1
$B cp /bin/busybox /first /new/run/
$B umount /proc
$B umount /sys
exec $B switch_root /new /run/busybox sh /run/first
"""

# The first process: it lives to the end and takes in whom others leave behind.
_FIRST = """B=/run/busybox
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root TERM=linux LANG=C.UTF-8
$B ip link set lo up
$B hostname sluice-vm
@COMMAND@
$B echo $? > /run/shared/status
$B sync
$B poweroff -f
"""


def _file(directory: Path, path: str, content: bytes, mode: int = 0o644) -> None:
    target = directory / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    target.chmod(mode)


def _add_modules(directory: Path, kernel: Kernel) -> None:
    names = []
    for name in MODULES:
        for path in kernel.modules.glob(f"kernel/**/{name}.ko*"):
            content = path.read_bytes()
            _file(directory, f"modules/{name}.ko",
                  lzma.decompress(content) if path.suffix == ".xz" else content)
            names.append(f"{name}.ko")
    _file(directory, "modules/order", "\n".join(names).encode())


def make_initramfs(target: Path, kernel: Kernel, command: list[str], paths: list[Path]) -> None:
    """An initramfs that runs `command` as root of a machine on which `paths` are as here."""
    with tempfile.TemporaryDirectory() as scratch:
        top = Path(scratch)
        for name in ("proc", "sys", "dev", "host", "upper", "new"):
            (top / name).mkdir()
        _file(top, "bin/busybox", BUSYBOX.read_bytes(), 0o755)
        _add_modules(top, kernel)
        init = _INIT.replace("@PATHS@", shlex.join(map(str, paths)))
        init = init.replace("@RELEASE@", kernel.release)
        init = init.replace("@MODULES@", shlex.quote(str(kernel.modules)))
        _file(top, "init", init.encode(), 0o755)
        _file(top, "first", _FIRST.replace("@COMMAND@", shlex.join(command)).encode())
        with target.open("wb") as out:
            subprocess.run(f"find . | {BUSYBOX} cpio -o -H newc 2>/dev/null", shell=True, cwd=top,
                           stdout=out, check=True)


def _virtfs(path: Path, tag: str, *more: str) -> list[str]:
    escaped = str(path).replace(",", ",,")
    return ["-virtfs", ",".join(["local", f"path={escaped}", f"mount_tag={tag}",
                                 "security_model=none", "multidevs=remap", *more])]


def _qemu(kernel: Kernel, initramfs: Path, shared: Path, console: list[str]) -> list[str]:
    # With KVM the guest hangs on machines that are guests themselves; TCG never does.
    # And it goes with whoever started it, however that ends.
    return ["setpriv", "--pdeathsig", "KILL", QEMU, "-accel", "tcg,thread=multi",
            "-smp", "2", "-cpu", "max", "-m", "2048", "-nodefaults", "-no-user-config",
            "-display", "none", "-vga", "none", "-no-reboot",
            "-kernel", str(kernel.image), "-initrd", str(initramfs),
            "-append", "console=ttyS0 quiet panic=-1 oops=panic loglevel=4",
            *_virtfs(Path("/"), "hostroot", "readonly=on"), *_virtfs(shared, "shared"), *console]


def run(kernel: Kernel, command: list[str], shared: Path, paths: list[Path], seconds: float,
        watch: Callable[[], None] = lambda: None) -> str:
    """Boots, runs `command`, and powers off. The machine writes its console to
    shared/console and the command's status to shared/status. Returns what went wrong with
    the machine itself, or nothing. `watch` is called again and again while it runs."""
    initramfs = shared.with_name(shared.name + ".initramfs")
    make_initramfs(initramfs, kernel, command, paths)
    serial = ["-serial", f"file:{shared / 'console'}"]
    process = subprocess.Popen(_qemu(kernel, initramfs, shared, serial), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + seconds
        while process.poll() is None:
            if time.monotonic() > end:
                return f"the machine did not end within {seconds:g} s"
            watch()
            time.sleep(0.5)
    finally:
        if process.poll() is None:
            process.kill()
        _, said = process.communicate()
        watch()
        initramfs.unlink(missing_ok=True)
    if process.returncode != 0:
        return f"qemu ended with {process.returncode}: {said.strip()}"
    return "" if (shared / "status").exists() else "the machine ended before its tests did"


def shell(kernel: Kernel, shared: Path, paths: list[Path]) -> int:
    """The same machine with a shell on this terminal; Ctrl-A X ends it at once."""
    initramfs = shared.with_name(shared.name + ".initramfs")
    inside = f"cd {shlex.quote(str(paths[0]))}; exec bash -i </dev/ttyS0 >/dev/ttyS0 2>&1"
    make_initramfs(initramfs, kernel, ["setsid", "-c", "bash", "-c", inside], paths)
    try:
        return subprocess.run(_qemu(kernel, initramfs, shared, ["-serial", "mon:stdio"]),
                              check=False).returncode
    finally:
        initramfs.unlink(missing_ok=True)


def missing_tools() -> list[str]:
    return [name for name in (QEMU, str(BUSYBOX), "depmod") if shutil.which(name) is None]
