#!/usr/bin/env bash
# Installs from Debian whatever tools/packages.txt and the command line name and is
# missing. Does nothing, and asks nobody, when all of it is there.
set -euo pipefail
cd "$(dirname "$0")/.."

die() { echo "setup: $*" >&2; exit 1; }

mapfile -t wanted < <(sed -e 's/#.*//' -e '/^[[:space:]]*$/d' tools/packages.txt)
wanted+=("$@")
missing=()
for entry in "${wanted[@]}"; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "${entry%%/*}" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$entry")
done
# The wireguard-go of bookworm itself is five times slower than the backport.
version=$(dpkg-query -W -f '${Version}' wireguard-go 2>/dev/null || true)
if [ -n "$version" ] && dpkg --compare-versions "$version" lt 0.0.20231211; then
  missing+=(wireguard-go/bookworm-backports)
fi
# For the console. Node.js from elsewhere brings its own npm and does not go with Debian's.
command -v npm >/dev/null || missing+=(nodejs npm)
[ ${#missing[@]} -gt 0 ] || exit 0

. /etc/os-release
[ "${VERSION_CODENAME:-}" = bookworm ] ||
  die "packages are missing (${missing[*]%%/*}) and this is not Debian 12; install them by hand"
[ "$(id -u)" = 0 ] || die "packages are missing (${missing[*]%%/*}); run once as root"

export DEBIAN_FRONTEND=noninteractive
if ! grep -rqs bookworm-backports /etc/apt/sources.list /etc/apt/sources.list.d; then
  echo "==> adding bookworm-backports to apt's sources"
  cat > /etc/apt/sources.list.d/sluice-backports.sources <<SOURCES
Types: deb
URIs: ${SLUICE_DEBIAN_MIRROR:-http://deb.debian.org/debian}
Suites: bookworm-backports
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCES
fi
echo "==> installing ${#missing[@]} Debian packages (once): ${missing[*]%%/*}"
apt-get update -q || die "apt-get update failed; see above"
apt-get install -y -q --no-install-recommends "${missing[@]}" ||
  die "apt-get could not install what is missing; see above"
