#!/bin/sh
# Builds shop.wasm. Needs Rust 1.63 or later with cargo and the target wasm32-unknown-unknown (rustup target add
# wasm32-unknown-unknown; Debian: cargo, libstd-rust-dev-wasm32, lld). Fetches nothing: there are no dependencies.
set -eu
cd "$(dirname "$0")"
out=${1:-$PWD/shop.wasm}
target=$(mktemp -d)
trap 'rm -r "$target"' EXIT
# An instance needs little of a stack, and has as much memory as it may need: one MiB unless told.
export RUSTFLAGS="-C link-arg=-zstack-size=65536"
cargo build --quiet --release --offline --locked --target wasm32-unknown-unknown --target-dir "$target"
cp "$target/wasm32-unknown-unknown/release/shop.wasm" "$out"
