# shellcheck shell=bash disable=SC2154
# What must be there before anything is built or started, and how to say that it is not.

# Prints an error in the project's form and ends the program: what failed, then what to do about it.
fail() {
  echo "error: $1" >&2
  if [[ -n ${2:-} ]]; then echo "Hint: $2" >&2; fi
  exit 1
}

# Ends the program when one of the tools given as NAME=PACKAGE is missing.
require_tools() {
  local purpose=$1 tool missing=() packages=()
  shift
  for tool in "$@"; do
    command -v "${tool%%=*}" >/dev/null || { missing+=("${tool%%=*}"); packages+=("${tool#*=}"); }
  done
  ((${#missing[@]} == 0)) || fail "cannot $purpose: not installed: ${missing[*]}" \
    "install it with your package manager, on Debian and Ubuntu: apt-get install ${packages[*]}"
}

require_linux() {
  [[ $(uname -s) == Linux && -r /proc/self/stat ]] || fail "cannot run a test cluster on $(uname -s): it needs Linux" \
    'run it on a Linux machine or in a container'
}

require_go() {
  local hint="install Go $go_version or newer from https://go.dev/dl/ and put it on the PATH" found
  command -v go >/dev/null || fail "cannot build the test cluster: go is not installed" "$hint"
  # In this folder Go reads go.mod, and so fetches a newer toolchain by itself where it is allowed to.
  found=$(cd "$here" && GOFLAGS='' go env GOVERSION 2>/dev/null) || found=$(cd / && go env GOVERSION)
  [[ $(printf '%s\n' "go$go_version" "$found" | sort -V | head -n 1) == "go$go_version" ]] ||
    fail "cannot build the test cluster: Go is too old: $found, needed is $go_version" "$hint"
}

require_to_start() {
  require_tools 'start a test cluster' openssl=openssl python3=python3 setsid=util-linux flock=util-linux
}
