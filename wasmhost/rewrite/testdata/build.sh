#!/bin/sh
# Builds the modules of this directory that are committed. Needs wabt, clang with wasm-ld, and npx for AssemblyScript.
set -e
cd "$(dirname "$0")"
for f in endless deep shapes; do
	wat2wasm $f.wat -o $f.wasm
done
# Compiled and linked apart: with -O on the link clang runs a wasm-opt that it finds, and Debian's does not know bulk memory.
clang --target=wasm32 -O2 -mbulk-memory -c -o kernels.o kernels.c
clang --target=wasm32 -nostdlib -Wl,--no-entry -Wl,--strip-debug -o kernels.wasm kernels.o
rm kernels.o
npx --yes --package=assemblyscript asc kernels.ts -O2 --runtime minimal --exportStart _initialize --use abort= -o kernels-as.wasm
