# What .ci/run and .ci/long have in common: stages with their times, tests with their numbers, what has to be installed.

cd "$(dirname "${BASH_SOURCE[0]}")/.."
export GOFLAGS="${GOFLAGS:-} -mod=readonly"
tools=$PWD/bin/tools
export PATH="$tools/compilers:$PATH"
began=$SECONDS
summary=()

# stage NAME SECONDS COMMAND… runs one and notes its time. Going over its seconds is said and no failure, as the machine may do
# other things: the sum at the end counts.
stage() {
  local name=$1 seconds=$2 start=$SECONDS took over=
  shift 2
  printf '\n== %s (within %d s)\n' "$name" "$seconds"
  "$@"
  took=$((SECONDS - start))
  if [ "$took" -gt "$seconds" ]; then
    over="  (over its $seconds s)"
  fi
  summary+=("$(printf '%5d s  %s%s' "$took" "$name" "$over")")
  echo "-- $name: $took s$over"
}

# finish SECONDS prints the times and fails when all stages together took longer.
finish() {
  local all=$((SECONDS - began))
  printf '\n== times\n'
  printf '%s\n' "${summary[@]}"
  printf '%5d s  in all\n' "$all"
  if [ "$all" -gt "$1" ]; then
    echo "that is more than $1 s"
    exit 1
  fi
}

# install PROGRAM PACKAGES installs some of Debian's packages on machines that do not have the program.
install() {
  if command -v "$1" >/dev/null; then
    return
  fi
  local sudo=
  [ "$(id -u)" -eq 0 ] || sudo=sudo
  $sudo apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq $2 >/dev/null
}

# tool NAME PACKAGE@VERSION builds a tool, once for each version.
tool() {
  local mark="$tools/$1@${2##*@}"
  if [ ! -e "$mark" ]; then
    GOFLAGS= GOBIN="$tools" go install "$2"
    touch "$mark"
  fi
}

# add_rust gets the compiler with the target that extensions are built for.
add_rust() {
  if command -v rustup >/dev/null; then
    rustup --quiet target add wasm32-unknown-unknown
  else
    install cargo "cargo libstd-rust-dev-wasm32 lld"
  fi
}

# add_zig gets the compiler, which PyPI has, once for each version.
add_zig() {
  local home="$tools/zig@0.17.1"
  if [ ! -e "$home/done" ]; then
    python3 -m venv "$home" && "$home/bin/pip" install -q --disable-pip-version-check ziglang==0.17.1 && touch "$home/done" || return
  fi
  mkdir -p "$tools/compilers"
  ln -sf "$home"/lib/python*/site-packages/ziglang/zig "$tools/compilers/zig"
}

# run_tests ARGUMENTS… prints what failed, or how many tests there were.
run_tests() {
  local log failed=0
  log=$(mktemp)
  go test -v "$@" >"$log" 2>&1 || failed=1
  if [ "$failed" -ne 0 ]; then
    grep -avE '^(=== | *--- (PASS|SKIP)|ok |PASS$)' "$log" || true
  else
    grep -aE '^ok ' "$log"
  fi
  echo "$(grep -acE '^ *--- PASS' "$log" || true) passed, $(grep -acE '^ *--- FAIL' "$log" || true) failed, $(grep -acE '^ *--- SKIP' "$log" || true) skipped"
  rm "$log"
  [ "$failed" -eq 0 ]
}

# race runs the tests under the race detector, but for those that compile guests with other compilers: nothing of theirs runs in parallel.
race() {
  local packages
  packages=$(go list ./... | grep -v '/extensions/examples')
  run_tests -race -pgo=off -timeout 20m $packages
}

# prepare gets what a machine may lack: compilers of extensions, Node's packages, Go's modules and linters.
prepare() {
  install clang clang
  install wasm-ld lld
  install strace strace
  install chromium chromium
  go mod download
  tool staticcheck honnef.co/go/tools/cmd/staticcheck@v0.8.2
  npm ci --prefix extensions/examples/assemblyscript --no-audit --no-fund
  npm ci --prefix e2e --no-audit --no-fund
  # Without these the tests use the committed modules, and skip building them with the name of what is missing.
  (add_rust) || echo "there is no Rust for WebAssembly"
  (add_zig) || echo "there is no Zig"
}

# build makes the server that all stages run.
build() {
  go build -o bin/troupe ./cmd/troupe
  ls -l bin/troupe
  export TROUPE_BIN=$PWD/bin/troupe
}

lint() {
  local unformatted
  unformatted=$(gofmt -l $(git ls-files '*.go'))
  if [ -n "$unformatted" ]; then
    echo "not gofmt'ed: $unformatted"
    return 1
  fi
  go vet ./...
  GOFLAGS= "$tools/staticcheck" ./...
}

# readme runs the command that README.md gives for the tests.
readme() {
  local command
  command=$(grep -m1 -oE '^go test [^#]*[^# ]' README.md)
  run_tests ${command#go test }
}

# newcomer runs the tests that start compilers where there is none but Go's: they say what they miss and fail nothing.
newcomer() {
  local bare=$(mktemp -d)
  ln -s "$(command -v go)" "$(command -v dirname)" "$(command -v rm)" "$bare"
  PATH=$bare "$bare/go" test ./extensions/examples ./cmd/troupe -run 'Build|Documentation|Tour|CommandLine|Readme'
  rm -r "$bare"
}

client() { (cd e2e && node client.mjs "$TROUPE_BIN"); }

browser() { (cd e2e && CHROMIUM="$(command -v chromium)" node browser.mjs "$TROUPE_BIN"); }

# recorded replays the recorded answers of a checkout beside this one that this one has not, or has differently: its own are among the tests.
recorded() {
  local from=../shared/contract
  if [ ! -d $from ]; then
    echo "there is none beside this checkout"
    return
  fi
  replay $from cases -serve-args --no-expand-all
  replay $from cases-fork
}

# replay CHECKOUT FOLDER ARGUMENTS… replays the cases of one folder.
replay() {
  local from=$1 folder=$2 case lacking=()
  shift 2
  for case in "$from/$folder"/*.json; do
    cmp -s "$case" "contract/testdata/$folder/${case##*/}" || lacking+=("$folder/${case##*/}")
  done
  if [ ${#lacking[@]} -eq 0 ]; then
    echo "$folder: all are among the tests"
    return
  fi
  go run -C "$from" . -server "$TROUPE_BIN" "$@" -todo "$PWD/contract.todo" -j 2 "${lacking[@]}"
}
