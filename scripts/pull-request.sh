#!/usr/bin/env bash
# What action.yml runs: its inputs as flags of `helm revdiff pull-request`, and what came of it as outputs.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
pages=${RUNNER_TEMP:-${TMPDIR:-/tmp}}/helm-diff
mkdir -p "$pages"

flags=(--html "$pages" --comment-name "${INPUT_COMMENT_NAME:-default}")
if [[ -n ${INPUT_BASE:-} ]]; then flags+=(--base "$INPUT_BASE"); fi
if [[ -n ${INPUT_CONFIG:-} ]]; then flags+=(--config "$INPUT_CONFIG"); fi
if [[ -n ${INPUT_FAIL_ON:-} ]]; then flags+=(--fail-on "$INPUT_FAIL_ON"); fi
if [[ -n ${GITHUB_STEP_SUMMARY:-} ]]; then flags+=(--summary "$GITHUB_STEP_SUMMARY"); fi
if [[ -n ${GITHUB_OUTPUT:-} ]]; then flags+=(--outputs "$GITHUB_OUTPUT"); fi
case ${INPUT_COMMENT:-if-allowed} in
  true) flags+=(--comment github) ;;
  if-allowed) flags+=(--comment github --comment-if-allowed) ;;
  false) ;;
  *) echo "error: comment is true, false or if-allowed, and not \"$INPUT_COMMENT\"" >&2; exit 1 ;;
esac
read -rd '' -a more <<<"${INPUT_ARGS:-}" || true

# What a chart says must not be taken for a command to the runner.
stop=
if [[ ${GITHUB_ACTIONS:-} == true ]]; then
  stop=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  echo "::stop-commands::$stop"
fi

code=0
"$here/bin/helm-safe-upgrade" revdiff pull-request "${flags[@]}" ${more[@]+"${more[@]}"} || code=$?
if [[ -n $stop ]]; then printf '\n::%s::\n' "$stop"; fi
case $code in
  0 | 2) result=ok ;;
  3) result=refused ;;
  *) result=failed ;;
esac
if [[ -n ${GITHUB_OUTPUT:-} ]]; then printf 'html=%s\nresult=%s\n' "$pages" "$result" >>"$GITHUB_OUTPUT"; fi
exit "$code"
