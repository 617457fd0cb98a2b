#!/usr/bin/env bash
# Builds the console's page into web/dist, which the controller has inside, if anything of it
# has changed. `web.sh packages` only installs what it is built and tested with.
set -euo pipefail
cd "$(dirname "$0")/../web"

if [ ! -e node_modules/.package-lock.json ] ||
  [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo "==> the console's packages, from the npm registry, as web/package-lock.json pins them"
  if ! npm ci --ignore-scripts --no-audit --no-fund --loglevel=error; then
    rm -rf node_modules
    [ "${1:-}" != packages ] || exit 1
    echo "web: no packages from the npm registry; the controller will say that it has no console" >&2
    exit 0
  fi
fi
[ "${1:-}" != packages ] || exit 0
sources=(src index.html package-lock.json tsconfig.json vite.config.ts)
if [ ! -e dist/index.html ] || [ -n "$(find "${sources[@]}" -newer dist/index.html -print -quit)" ]; then
  npm run --silent build
fi
