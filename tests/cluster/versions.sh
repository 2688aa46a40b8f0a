# shellcheck shell=bash disable=SC2034,SC2154
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
