# shellcheck shell=bash disable=SC2034,SC2154
# Builds the pinned binaries, each once. A component lives in a folder named by its version and a digest of
# how it is built, so that a change of either builds it anew and a finished folder never changes.

recipe_kubernetes() {
  local version=k8s.io/component-base/version
  # A plain `go install` says v0.0.0-master, and Helm would then refuse charts by their kubeVersion.
  local flags="-s -w -X $version.gitVersion=v$kubernetes_version"
  flags+=" -X $version.gitMajor=$kubernetes_major -X $version.gitMinor=$kubernetes_minor"
  (cd "$here" && go install -ldflags "$flags" tool) && mv "$GOBIN/server" "$GOBIN/etcd"
}

recipe_kwok() {
  go install -ldflags '-s -w' "sigs.k8s.io/kwok/cmd/kwok@v$kwok_version"
}

# Without a cluster Helm 3 renders for the Kubernetes version set here, that of the test cluster; a plain
# `go install` leaves it at v1.20, and most charts then refuse to render.
recipe_helm3() {
  local helm=helm.sh/helm/v3 flags='-s -w' package
  flags+=" -X $helm/internal/version.version=v$helm3_version"
  for package in pkg/chartutil pkg/lint/rules; do
    flags+=" -X $helm/$package.k8sVersionMajor=$kubernetes_major -X $helm/$package.k8sVersionMinor=$kubernetes_minor"
  done
  go install -ldflags "$flags" "$helm/cmd/helm@v$helm3_version"
}

# Without a cluster Helm 4 renders for the version of the Kubernetes libraries that it was built with.
recipe_helm4() {
  local helm=helm.sh/helm/v4
  go install -ldflags "-s -w -X $helm/internal/version.version=v$helm4_version" "$helm/cmd/helm@v$helm4_version"
}

# Prints a digest of all that decides what a recipe builds, but for the version in the folder's name.
recipe_digest() {
  {
    declare -f "$1"
    echo "$kubernetes_major.$kubernetes_minor"
    if [[ $1 == recipe_kubernetes ]]; then cat "$here/go.mod" "$here/go.sum"; fi
  } | sha256sum | cut -c1-8
}

# Sets the folder of each component: kubernetes_bin, kwok_bin, helm3_bin, helm4_bin.
locate_components() {
  kubernetes_bin=$cache/kubernetes-$kubernetes_version-$(recipe_digest recipe_kubernetes)
  kwok_bin=$cache/kwok-$kwok_version-$(recipe_digest recipe_kwok)
  helm3_bin=$cache/helm-$helm3_version-$(recipe_digest recipe_helm3)
  helm4_bin=$cache/helm-$helm4_version-$(recipe_digest recipe_helm4)
}

# Both Helms only: all that a user's own cluster needs.
build_helms() {
  build_components "helm3:$helm3_bin" "helm4:$helm4_bin"
}

build_all() {
  build_components "kubernetes:$kubernetes_bin" "kwok:$kwok_bin" "helm3:$helm3_bin" "helm4:$helm4_bin"
}

# Builds those of the components, each given as RECIPE:FOLDER, that are not there yet.
build_components() {
  local component missing=()
  for component in "$@"; do
    [[ -d ${component#*:} ]] || missing+=("$component")
  done
  ((${#missing[@]})) || return 0
  require_tools 'build the test cluster' sha256sum=coreutils flock=util-linux
  require_go
  mkdir -p "$cache"
  # The lock is released by the kernel however the build ends.
  (
    exec {lock}>"$cache/build.lock"
    flock --nonblock "$lock" || {
      echo "testcluster: another build is running; waiting for it" >&2
      flock "$lock"
    }
    echo 'testcluster: building what is not there yet; the very first time this takes about 7 minutes on 2 cores' >&2
    # Only the holder of the lock builds, so whatever is left here comes from a build that was killed.
    rm -rf "$cache"/.unfinished-*
    for component in "${missing[@]}"; do
      [[ -d ${component#*:} ]] || build_component "${component%%:*}" "${component#*:}"
    done
  )
}

# Builds into a folder of another name and then renames it, so that a folder is whole or not there.
build_component() {
  local name=$1 folder=$2 started=$SECONDS
  local unfinished=$cache/.unfinished-${folder##*/}
  echo "testcluster: building ${folder##*/}" >&2
  (
    trap 'rm -rf "$unfinished"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    export CGO_ENABLED=0 GOBIN=$unfinished GOFLAGS='-trimpath -buildvcs=false' GOWORK=off
    unset GOOS GOARCH
    # Joined by &&, because errexit is off on the left of ||.
    mkdir "$unfinished" && "recipe_$name" >&2 && mv -T "$unfinished" "$folder"
  ) || fail "cannot build ${folder##*/}: see the output of go above" \
    "the sources come through the Go module proxy (GOPROXY=$(go env GOPROXY)); check that it can be reached"
  echo "testcluster: built ${folder##*/} in $((SECONDS - started)) s" >&2
}
