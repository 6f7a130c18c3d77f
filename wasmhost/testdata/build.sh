#!/bin/sh
# Builds the guests of the tests. The results are committed, so that the tests need neither clang nor wabt.
set -eu
cd "$(dirname "$0")"
for source in *.c; do
  clang --target=wasm32 -O2 -nostdlib -fno-builtin -Wall -Wno-unused-parameter -Wl,--no-entry -Wl,-z,stack-size=8192 -o "${source%.c}.wasm" "$source"
done
for source in *.wat; do
  wat2wasm -o "${source%.wat}.wasm" "$source"
done
