# shellcheck shell=bash
# What a machine must have. All that is missing is named at once, before anything starts.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
missing=()
hints=()
packages=()

# lack WHAT HINT
lack() {
  if is_listed "$1" "${missing[@]}"; then return; fi
  missing+=("$1")
  is_listed "$2" "${hints[@]}" || hints+=("$2")
}

# is_listed TEXT LIST…
is_listed() {
  local text=$1 each
  shift
  for each in "$@"; do
    if [[ $each == "$text" ]]; then return 0; fi
  done
  return 1
}

# is_at_least NEEDED FOUND: compares versions.
is_at_least() {
  [[ $(printf '%s\n' "$1" "$2" | sort -V | head -n 1) == "$1" ]]
}

need_rust() {
  local needed found hint
  # Rust links with the system's C compiler, and a dependency has C and assembly in it.
  need_tools cc=gcc
  needed=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$root/Cargo.toml")
  hint="install Rust $needed or newer from https://rustup.rs"
  if ! command -v cargo >/dev/null || ! found=$(cd "$root" && rustc --version 2>/dev/null); then
    lack "Rust $needed" "$hint"
    return
  fi
  read -r _ found _ <<<"$found"
  is_at_least "$needed" "$found" || lack "Rust $needed (found $found)" "$hint, as in: rustup update stable"
}

# Rust's formatter and linter, which minimal installations leave out.
need_rust_tools() {
  local tool
  for tool in rustfmt clippy; do
    command -v "cargo-${tool/rustfmt/fmt}" >/dev/null || lack "$tool" "rustup component add $tool"
  done
}

need_go() {
  local needed found hint
  needed=$(sed -n 's/^go_version=//p' "$root/tests/cluster/versions.sh")
  hint="install Go $needed or newer from https://go.dev/dl/"
  # In that folder Go reads go.mod, and fetches a newer toolchain by itself where it is allowed to.
  if ! command -v go >/dev/null || ! found=$(cd "$root/tests/cluster" && GOFLAGS='' go env GOVERSION 2>&1); then
    lack "Go $needed" "$hint"
    return
  fi
  is_at_least "go$needed" "$found" || lack "Go $needed (found ${found#go})" "$hint"
}

# The tests of Helm's SQL storage start a PostgreSQL of their own.
need_postgresql() {
  if [[ ${HSU_SKIP_SQL:-} == 1 ]] || command -v postgres >/dev/null; then return; fi
  # Debian keeps its programs off the PATH.
  if compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null; then return; fi
  lack PostgreSQL 'where PostgreSQL cannot be installed, HSU_SKIP_SQL=1 leaves out the tests that take it'
  packages+=(postgresql)
}

# The tests of charts in a registry start one of their own.
need_registry() {
  if [[ ${HSU_SKIP_REGISTRY:-} == 1 ]] || command -v docker-registry >/dev/null; then return; fi
  lack docker-registry 'where docker-registry cannot be installed, HSU_SKIP_REGISTRY=1 leaves out the tests that take it'
  packages+=(docker-registry)
}

# The tests of gates start a Prometheus of their own.
need_prometheus() {
  if [[ ${HSU_SKIP_PROMETHEUS:-} == 1 ]] || command -v prometheus >/dev/null; then return; fi
  lack prometheus 'where prometheus cannot be installed, HSU_SKIP_PROMETHEUS=1 leaves out the tests that take it'
  packages+=(prometheus)
}

# need_tools NAME=PACKAGE…: programs and Debian's packages with them.
need_tools() {
  local tool
  for tool in "$@"; do
    if command -v "${tool%%=*}" >/dev/null || is_listed "${tool%%=*}" "${missing[@]}"; then continue; fi
    missing+=("${tool%%=*}")
    is_listed "${tool#*=}" "${packages[@]}" || packages+=("${tool#*=}")
  done
}

# The test cluster is made of Linux processes.
need_test_cluster() {
  [[ $(uname -s) == Linux ]] || lack 'Linux' 'use a Linux machine or a container'
  need_go
  need_tools python3=python3 openssl=openssl setsid=util-linux flock=util-linux
}

# end_if_missing PURPOSE: ends the program if anything is.
end_if_missing() {
  local hint list
  if ((${#missing[@]} == 0)); then return 0; fi
  list=$(printf ', %s' "${missing[@]}")
  echo "error: cannot $1: missing: ${list#, }" >&2
  if ((${#packages[@]})); then
    hints+=("with your package manager, on Debian and Ubuntu: apt-get install ${packages[*]}")
  fi
  for hint in "${hints[@]}"; do echo "Hint: $hint" >&2; done
  exit 1
}
