#!/bin/sh
# Builds the guests of the tests. The results are committed, so that the tests do not need clang.
set -eu
cd "$(dirname "$0")"
# Compiled and linked apart: with -O on the link clang runs a wasm-opt that it finds, and Debian's does not know bulk memory.
compile() { # result source flags...
  out=$1 source=$2
  shift 2
  clang --target=wasm32 -mbulk-memory -std=c11 -Wall -Wextra -Os -ffreestanding "$@" -c -o "$out.o" "$source"
  clang --target=wasm32 -nostdlib -Wl,--no-entry,--stack-first,--strip-all -o "$out" "$out.o"
  rm "$out.o"
}
compile probe.wasm probe.c
compile probe_next.wasm probe.c '-DVERSION="2"'
compile second.wasm probe.c '-DNAME="second"' -DPRIORITY=5 '-DALLOWED=TROUPE_LIST("things","_externalAuths")' -DSQL=false
compile granted.wasm probe.c '-DNAME="granted"' '-DGRANTS=TROUPE_LIST("headers.secret","auth.credentials")'
compile quiet.wasm quiet.c
compile listening.wasm quiet.c '-DROUTE="POST", .path = "/api/collections/_superusers/auth-with-password"'
compile after.wasm after.c
compile after_broken.wasm after.c -DBROKEN
compile early.wasm early.c
