#!/bin/sh
# Builds shop.wasm. Needs Zig 0.17, as zig in the path (PyPI: ziglang has it).
set -eu
cd "$(dirname "$0")"
out=${1:-$PWD/shop.wasm}
cache=$(mktemp -d)
trap 'rm -r "$cache"' EXIT
zig build-exe shop.zig -target wasm32-freestanding -O ReleaseSmall -fstrip -fno-entry --export=alloc --export=handle --stack 65536 \
  --cache-dir "$cache" -femit-bin="$out"
