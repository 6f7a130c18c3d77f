#!/bin/sh
# Builds the modules of this directory that are committed. Needs wabt, clang with wasm-ld, and npx for AssemblyScript.
set -e
cd "$(dirname "$0")"
for f in endless deep shapes; do
	wat2wasm $f.wat -o $f.wasm
done
clang --target=wasm32 -nostdlib -O2 -mbulk-memory -Wl,--no-entry -Wl,--strip-debug -o kernels.wasm kernels.c
npx --yes --package=assemblyscript asc kernels.ts -O2 --runtime minimal --exportStart _initialize --use abort= -o kernels-as.wasm
