#!/bin/sh
# Puts the plugin's binary into bin/ and makes "helm revdiff" known to Helm.
# Helm runs it as the plugin's install and update hook. Run by hand, it only provides the binary.
#
# The binary is taken from the first of these that has it:
#   1. $HELM_SAFE_UPGRADE_BIN, a binary of your own
#   2. bin/helm-safe-upgrade, if its version is that of plugin.yaml
#   3. a release: $HELM_SAFE_UPGRADE_DOWNLOAD_URL/v<version>/helm-safe-upgrade-<version>-<os>-<arch>.tar.gz, which must
#      match the checksum in ….tar.gz.sha256. Left out, the URL is the release page of the git repository this folder
#      was cloned from. HELM_SAFE_UPGRADE_NO_DOWNLOAD=1 skips this step.
#   4. cargo build --release --locked
set -eu
unset CDPATH

program=helm-safe-upgrade
event=${1:-}     # install or update where Helm runs this, else empty
attempts=''      # what was tried in vain, a line each
work=''          # temporary folder, on the file system of bin/ so that the last step is an atomic rename
installed=''     # not empty once all is in place
origin=''        # where the binary came from, in words

progress() { printf '%s: %s\n' "$program" "$*" >&2; }
physical() { (cd "$1" 2>/dev/null && pwd -P); }
has() { command -v "$1" >/dev/null 2>&1; }
tried() {
  attempts="$attempts
  $*"
}

# fail CAUSE HINT
fail() {
  printf 'cannot install %s %s: %s\nHint: %s\n' "$program" "${version:-}" "$1" "$2" >&2
  exit 1
}

# A folder install that failed is taken back, so that the same `helm plugin install` can be run again. Only Helm's link
# to the folder is removed. A clone stays: `helm plugin update` repairs it.
clean_up() {
  if [ -n "$work" ]; then rm -rf "$work"; fi
  if [ -z "$installed" ] && [ "$event" = install ] && [ -L "$plugin" ]; then rm -f "$plugin"; fi
}

# What to type to run the hook again.
again() {
  if [ -z "$event" ]; then
    printf 'run scripts/install.sh again'
  elif [ -L "$plugin" ] && [ -n "$installed" ]; then
    printf 'run: helm plugin uninstall safe-upgrade; helm plugin install "%s"' "$(readlink "$plugin")"
  elif [ -L "$plugin" ]; then
    printf 'run: helm plugin install "%s"' "$(readlink "$plugin")"
  else
    printf 'run: helm plugin update safe-upgrade'
  fi
}

# --- where the plugin is -------------------------------------------------------------------------------------------

# Sets plugin (its folder, perhaps Helm's link to it) and plugins (the folder Helm keeps it in; empty without Helm).
locate() {
  if [ -n "$event" ] && [ -n "${HELM_PLUGIN_DIR:-}" ]; then
    plugins=$(physical "$(dirname "$HELM_PLUGIN_DIR")")
    plugin=$plugins/$(basename "$HELM_PLUGIN_DIR")
  else
    event=''
    plugins=''
    plugin=$(physical "$(dirname "$0")/..")
  fi
  binary=$plugin/bin/$program
  version=$(sed -n 's/^version: *\([^ ]*\).*/\1/p' "$plugin/plugin.yaml")
}

# Helm 4 links a folder install under its data home even where HELM_PLUGINS names another folder, and then does not
# find the plugin it has just installed.
move_to_helm_plugins() {
  case ${HELM_PLUGINS:-} in '' | *:*) return 0 ;; esac
  [ "$(physical "$HELM_PLUGINS")" != "$plugins" ] || return 0
  if [ ! -L "$plugin" ]; then
    progress "warning: Helm put the plugin into $plugins, but looks for plugins in $HELM_PLUGINS"
    return 0
  fi
  mkdir -p "$HELM_PLUGINS"
  destination=$(physical "$HELM_PLUGINS")/$(basename "$plugin")
  if [ "$(readlink "$destination")" = "$(readlink "$plugin")" ]; then
    rm "$plugin"
  elif [ -e "$destination" ] || [ -L "$destination" ]; then
    fail "$destination already exists" 'helm plugin uninstall safe-upgrade, or remove that folder'
  else
    mv "$plugin" "$destination"
  fi
  plugins=$(dirname "$destination")
  plugin=$destination
  binary=$plugin/bin/$program
}

# Prints the folder of a plugin of this name other than FOLDER. Two plugins of one name make Helm refuse all plugins.
# other_plugin NAME FOLDER
other_plugin() {
  for file in "$plugins"/*/plugin.yaml; do
    [ "$file" != "$2/plugin.yaml" ] || continue
    if grep -Eq "^name:[[:space:]]*[\"']?$1[\"']?[[:space:]]*(#.*)?$" "$file" 2>/dev/null; then
      dirname "$file"
      return 0
    fi
  done
  return 1
}

refuse_second_copy() {
  other=$(other_plugin safe-upgrade "$plugin") || return 0
  hint="remove the other one first: helm plugin uninstall safe-upgrade"
  # Helm cannot uninstall anything while it sees both.
  if [ ! -L "$plugin" ]; then hint="remove one of the two: rm -r \"$plugin\""; fi
  fail "another plugin named safe-upgrade is in $other" "$hint"
}

# --- the binary ----------------------------------------------------------------------------------------------------

# is_right FILE: it runs here and has the plugin's version.
is_right() { [ -f "$1" ] && [ -x "$1" ] && [ "$("$1" --version 2>/dev/null)" = "$program $version" ]; }

# place FILE: copies it to bin/ in one step, so that nobody ever runs half a binary.
place() {
  if ! { cp "$1" "$work/new" && chmod 755 "$work/new" && mv -f "$work/new" "$binary"; }; then
    fail "cannot write $binary" "make room or set its permissions; then $(again)"
  fi
}

provide_binary() {
  if [ -z "${HELM_SAFE_UPGRADE_BIN:-}" ] && is_right "$binary"; then
    origin='binary already there'
    return 0
  fi
  if ! mkdir -p "$plugin/bin" 2>/dev/null || ! work=$(mktemp -d "$plugin/bin/.install.XXXXXX" 2>/dev/null); then
    fail "cannot write to $plugin/bin" "make that folder writable; then $(again)"
  fi
  if [ -n "${HELM_SAFE_UPGRADE_BIN:-}" ]; then
    given_binary
  else
    download || build || fail "no binary for $os/$arch
tried:$attempts" "install Rust from https://rustup.rs, or set HELM_SAFE_UPGRADE_BIN=/path/to/$program; then $(again)"
  fi
}

given_binary() {
  if ! is_right "$HELM_SAFE_UPGRADE_BIN"; then
    found=$("$HELM_SAFE_UPGRADE_BIN" --version 2>/dev/null) || found='nothing that can be run here'
    fail "HELM_SAFE_UPGRADE_BIN=$HELM_SAFE_UPGRADE_BIN is $found" "give a binary of version $version, or unset it"
  fi
  place "$HELM_SAFE_UPGRADE_BIN"
  origin="copied from $HELM_SAFE_UPGRADE_BIN"
}

# Sets os and arch, in the spelling of release files.
detect_platform() {
  os=$(uname -s | tr '[:upper:]' '[:lower:]')
  arch=$(uname -m)
  case $arch in
    x86_64) arch=amd64 ;;
    aarch64) arch=arm64 ;;
  esac
  case $os in
    mingw* | msys* | cygwin* | windows*)
      fail 'Windows is not supported' 'use Helm and this plugin inside WSL (https://learn.microsoft.com/windows/wsl)' ;;
  esac
}

# Prints the URL under which releases are. The fallback names no owner of its own: a binary comes from where the plugin
# came from, in a fork too.
release_url() {
  if [ -n "${HELM_SAFE_UPGRADE_DOWNLOAD_URL:-}" ]; then
    printf '%s\n' "${HELM_SAFE_UPGRADE_DOWNLOAD_URL%/}"
    return 0
  fi
  [ -e "$plugin/.git" ] || return 1
  repository=$(git -C "$plugin" config --get remote.origin.url 2>/dev/null) || return 1
  repository=${repository%/}
  # A password in the address is not ours to print.
  repository=$(printf '%s\n' "$repository" | sed 's|^\(https*://\)[^/]*@|\1|')
  case $repository in
    http://* | https://*) printf '%s/releases/download\n' "${repository%.git}" ;;
    git@*:*) printf '%s/releases/download\n' "${repository%.git}" | sed 's|^git@\([^:]*\):|https://\1/|' ;;
    *) return 1 ;;
  esac
}

# fetch URL FILE: sets reason on failure. The time limits are short because a build from source can follow.
fetch() {
  if has curl; then
    reason=$(curl -fsSL --connect-timeout 3 --speed-limit 1024 --speed-time 20 -o "$2" "$1" 2>&1) && return 0
    reason=${reason#curl: (*) }
  elif has wget; then
    wget -q -t 1 -T 5 -O "$2" "$1" 2>/dev/null && return 0
    reason='not found or not reachable'
  else
    reason='neither curl nor wget is installed'
  fi
  return 1
}

# Prints the SHA-256 of a file in hexadecimal.
sha256() {
  if has sha256sum; then
    sha256sum <"$1" | cut -d ' ' -f 1
  elif has shasum; then
    shasum -a 256 <"$1" | cut -d ' ' -f 1
  else
    return 1
  fi
}

# verify FILE CHECKSUM_FILE URL: anything but the published checksum ends the installation.
verify() {
  expected=''
  read -r expected _ <"$2" || :
  actual=$(sha256 "$1")
  [ "$(printf '%s' "$expected" | tr '[:upper:]' '[:lower:]')" != "$actual" ] || return 0
  fail "$3 does not match its checksum
  expected $(printf '%.64s' "${expected:-nothing}")
  found    $actual" "the file is damaged or was replaced, do not use it; HELM_SAFE_UPGRADE_NO_DOWNLOAD=1 builds from source instead"
}

download() {
  case ${HELM_SAFE_UPGRADE_NO_DOWNLOAD:-0} in
    0) ;;
    *) tried 'download: switched off by HELM_SAFE_UPGRADE_NO_DOWNLOAD'; return 1 ;;
  esac
  url=$(release_url) || { tried 'download: no release page known; set HELM_SAFE_UPGRADE_DOWNLOAD_URL'; return 1; }
  url=$url/v$version/$program-$version-$os-$arch.tar.gz
  if ! has sha256sum && ! has shasum; then
    tried "download: neither sha256sum nor shasum is installed to check $url"
    return 1
  fi
  progress "downloading $url"
  if ! fetch "$url.sha256" "$work/checksum" || ! fetch "$url" "$work/archive"; then
    progress "no release there: $reason"
    tried "download $url: $reason"
    return 1
  fi
  verify "$work/archive" "$work/checksum" "$url"
  tar -xzf "$work/archive" -C "$work" "$program" 2>/dev/null || :
  if ! is_right "$work/$program"; then
    progress "the release does not hold a $program $version that runs here"
    tried "download $url: holds no $program $version that runs here"
    return 1
  fi
  place "$work/$program"
  origin='downloaded release'
}

build() {
  if [ ! -f "$plugin/Cargo.toml" ]; then tried "build: no sources in $plugin"; return 1; fi
  if ! has cargo; then tried 'build: cargo is not installed'; return 1; fi
  # In a clone made by Helm the build folder would only take up space: it is removed unless it was there before.
  leftover=''
  if [ -n "$event" ] && [ ! -L "$plugin" ] && [ ! -e "$plugin/target" ]; then leftover=$plugin/target; fi
  progress 'building from source with cargo; this takes a few minutes'
  # Cargo's messages say where the binary is, whatever target folder or target its configuration sets.
  if ! (cd "$plugin" && cargo build --release --locked --bin "$program" --message-format json-render-diagnostics) >"$work/messages"; then
    tried 'build: cargo build --release --locked failed, see above'
    return 1
  fi
  built=$(sed -n 's/.*"executable":"\(.*\)","fresh".*/\1/p' "$work/messages" | sed 's/\\\(["\\]\)/\1/g' | tail -n 1)
  if ! is_right "$built"; then
    tried "build: ${built:-cargo} is not $program $version"
    return 1
  fi
  place "$built"
  if [ -n "$leftover" ]; then rm -rf "$leftover"; fi
  origin='built from source'
}

# --- helm revdiff --------------------------------------------------------------------------------------------------

# Helm looks for plugins one level deep, so the nested folder revdiff/ is linked beside the plugin. The link is relative,
# and its text marks it as ours: a link "<folder>/revdiff" that leads nowhere is what a removed copy of us left behind.
# Returns 1 where another plugin has the name.
link_revdiff() {
  link=$plugins/revdiff
  target=$(basename "$plugin")/revdiff
  if other=$(other_plugin revdiff "$link"); then foreign=$other; return 1; fi
  if [ "$(physical "$link")" = "$(physical "$plugin/revdiff")" ]; then return 0; fi
  case $(readlink "$link") in
    */*/*) ;;
    */revdiff) if [ ! -e "$link" ]; then rm -f "$link"; fi ;;
  esac
  if [ -e "$link" ] || [ -L "$link" ]; then foreign=$link; return 1; fi
  ln -s "$target" "$link"
}

announce() {
  if [ -z "$event" ]; then
    printf '%s %s installed in %s (%s)\n' "$program" "$version" "$plugin/bin" "$origin"
  elif link_revdiff; then
    printf '%s %s installed: helm revdiff, helm safe-upgrade (%s)\n' "$program" "$version" "$origin"
  else
    printf '%s %s installed: helm safe-upgrade (%s)\n' "$program" "$version" "$origin"
    progress "helm revdiff is left to the plugin in $foreign"
    printf 'Hint: helm safe-upgrade revdiff does the same; or remove that plugin, then %s\n' "$(again)" >&2
  fi
}

locate
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
detect_platform
if [ -n "$event" ]; then
  move_to_helm_plugins
  refuse_second_copy
fi
provide_binary
installed=yes
announce
