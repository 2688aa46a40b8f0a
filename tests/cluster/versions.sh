# shellcheck shell=bash
# What the test cluster is made of: the pinned versions, and where their binaries are kept.

# Kubernetes and etcd are pinned in go.mod, so that there is one place to change them.
pinned_in_go_mod() {
  sed -nE "s#^[[:space:]]*$1 v([0-9.]+)( // indirect)?\$#\\1#p" "$here/go.mod"
}

kubernetes_version=$(pinned_in_go_mod k8s.io/kubernetes)
etcd_version=$(pinned_in_go_mod go.etcd.io/etcd/server/v3)
kwok_version=0.8.0
helm3_version=3.22.0
helm4_version=4.3.1
# The oldest Go that builds all of them.
go_version=1.26

kubernetes_major=${kubernetes_version%%.*}
kubernetes_minor=${kubernetes_version#*.}
kubernetes_minor=${kubernetes_minor%%.*}

cache=${XDG_CACHE_HOME:-$HOME/.cache}/helm-safe-upgrade/testcluster

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
    "set HSU_TEST_KUBECONFIG to the kubeconfig of a throw-away cluster of your own"
}
