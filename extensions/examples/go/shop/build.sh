#!/bin/sh
# Builds shop.wasm. Needs Go 1.26 or later.
set -eu
cd "$(dirname "$0")"
GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -trimpath -buildvcs=false -ldflags="-s -w" -o "${1:-shop.wasm}" .
