#!/bin/sh
# Builds the guests of the tests. The results are committed, so that the tests need neither clang nor wabt.
set -eu
cd "$(dirname "$0")"
# Compiled and linked apart: with -O on the link clang runs a wasm-opt that it finds, and Debian's does not know bulk memory.
for source in *.c; do
  object=${source%.c}.o
  clang --target=wasm32 -O2 -fno-builtin -Wall -Wno-unused-parameter -c -o "$object" "$source"
  clang --target=wasm32 -nostdlib -Wl,--no-entry -Wl,-z,stack-size=8192 -o "${source%.c}.wasm" "$object"
  rm "$object"
done
for source in *.wat; do
  wat2wasm -o "${source%.wat}.wasm" "$source"
done
