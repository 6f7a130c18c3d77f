#!/bin/sh
# Builds shop.wasm. Needs clang 14 or later with the target wasm32, and lld (Debian: clang, lld).
# Compiled and linked apart: with -O on the link clang runs a wasm-opt that it finds, and Debian's does not know bulk memory.
set -eu
cd "$(dirname "$0")"
out=${1:-shop.wasm}
clang --target=wasm32 -mbulk-memory -std=c11 -Wall -Wextra -Os -ffreestanding -c -o "$out.o" shop.c
clang --target=wasm32 -nostdlib -Wl,--no-entry,--stack-first,--strip-all -o "$out" "$out.o"
rm "$out.o"
