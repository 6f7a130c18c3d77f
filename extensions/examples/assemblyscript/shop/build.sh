#!/bin/sh
# Builds shop.wasm. Needs Node.js 20 or later with npm, which fetches the compiler once into the folder above (npm ci).
set -eu
cd "$(dirname "$0")"
[ -x ../node_modules/.bin/asc ] || npm --prefix .. ci
../node_modules/.bin/asc --config asconfig.json -o "${1:-shop.wasm}"
