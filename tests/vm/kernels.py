"""Stock Debian kernels: downloaded and unpacked below the build directory, never
installed, so that no hook of the package touches this machine's /boot."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

META = "linux-image-amd64"


class NoKernel(Exception):
    """Why there is no kernel to test under."""


@dataclass(frozen=True)
class Kernel:
    release: str  # as `uname -r` says it
    image: Path
    modules: Path  # what belongs at /lib/modules/<release>


def _output(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


def _version_key(version: str) -> list[int]:
    return [int(part) for part in version.split("-")[0].split(".")]


def available() -> dict[str, str]:
    """Kernel package -> its version, of all that apt knows, oldest first."""
    lines = [line.split("|") for line in _output("apt-cache", "madison", META).splitlines()]
    found = {}
    for version in sorted((fields[1].strip() for fields in lines), key=_version_key):
        shown = _output("apt-cache", "show", f"{META}={version}")
        depends = next((line for line in shown.splitlines() if line.startswith("Depends: ")), "")
        if depends:
            found[depends.split()[1]] = version
    return found


def _choose(packages: list[str], wanted: str) -> str | None:
    """The newest package whose kernel version begins with `wanted`."""
    matching = [p for p in packages if p.startswith(f"linux-image-{wanted}")]
    return matching[-1] if matching else None


def _unpacked(directory: Path) -> Kernel | None:
    images = list(directory.glob("boot/vmlinuz-*"))
    if not images or not (directory / "complete").exists():
        return None
    release = images[0].name.removeprefix("vmlinuz-")
    return Kernel(release, images[0], directory / "lib" / "modules" / release)


def _unpack(package: str, version: str, directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    done = subprocess.run(["apt-get", "download", "-q", f"{package}={version}"], cwd=directory,
                          capture_output=True, text=True, check=False)
    archives = list(directory.glob("*.deb"))
    if done.returncode != 0 or not archives:
        raise NoKernel(f"apt-get could not download {package} {version}: {done.stderr.strip()}")
    subprocess.run(["dpkg-deb", "-x", str(archives[0]), str(directory)], check=True)
    archives[0].unlink()
    for release in (directory / "lib" / "modules").iterdir():
        # The package leaves this to the hook that runs when it is installed.
        subprocess.run(["depmod", "-b", str(directory), release.name], check=True)
    (directory / "complete").touch()


def _from_apt(cache: Path, wanted: str) -> Kernel:
    packages = available()
    package = _choose(list(packages), wanted)
    if package is None:
        raise NoKernel(f"apt knows no {META} {wanted}".rstrip())
    directory = cache / package
    if _unpacked(directory) is None:
        _unpack(package, packages[package], directory)
        for other in cache.iterdir():
            if other.name not in packages:
                shutil.rmtree(other)
    kernel = _unpacked(directory)
    if kernel is None:
        raise NoKernel(f"{package} holds no kernel")
    return kernel


def _kept(cache: Path, wanted: str) -> Kernel | None:
    found = [k for k in map(_unpacked, cache.glob("*")) if k and k.release.startswith(wanted)]
    return max(found, key=lambda k: _version_key(k.release.partition("+")[0]), default=None)


def get(cache: Path, wanted: str = "") -> Kernel:
    """The newest kernel whose version begins with `wanted`. Asks nobody if what apt's lists
    name is there; without a network what was downloaded before serves."""
    try:
        return _from_apt(cache, wanted)
    except NoKernel:
        subprocess.run(["apt-get", "update", "-q"], capture_output=True, check=False)
    try:
        return _from_apt(cache, wanted)
    except NoKernel:
        if kept := _kept(cache, wanted):
            return kept
        raise
