#!/bin/sh
# Builds bench-c.wasm. Needs clang 14 or later with the target wasm32, and lld (Debian: clang, lld).
set -eu
cd "$(dirname "$0")"
clang --target=wasm32 -mbulk-memory -std=c11 -Wall -Wextra -Os -ffreestanding -nostdlib \
  -Wl,--no-entry,--stack-first,--strip-all -o "${1:-bench-c.wasm}" bench.c
