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


def get(cache: Path, wanted: str = "") -> Kernel:
    """The newest kernel whose version begins with `wanted`; from the cache without
    asking anybody if it is there and apt knows no newer one."""
    packages = available()
    package = _choose(list(packages), wanted)
    if package is None:
        kept = sorted((d.name for d in cache.glob("linux-image-*")),
                      key=lambda name: _version_key(name.removeprefix("linux-image-")
                                                    .partition("+")[0]))
        package = _choose(kept, wanted)
    if package is None:
        raise NoKernel(f"apt knows no {META} {wanted}".rstrip())
    directory = cache / package
    if not (kernel := _unpacked(directory)):
        if package not in packages:
            raise NoKernel(f"{package} is only half unpacked and apt does not know it any more")
        _unpack(package, packages[package], directory)
        kernel = _unpacked(directory)
    assert kernel is not None, f"{package} holds no kernel"
    return kernel
