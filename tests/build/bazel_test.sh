#!/usr/bin/env bash
# Builds everything and runs every GoogleTest with Bazel, as CMake does. Skipped (77) where Bazel is not installed;
# ./dev test --all, and ./dev test with CI set, install it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
if ! command -v bazel >/dev/null || [[ ! -f WORKSPACE ]]; then
    echo "bazel is not installed"
    exit 77
fi
# A machine of continuous integration keeps no server for the next build.
[[ -z ${CI:-} ]] || trap 'bazel shutdown >/dev/null 2>&1' EXIT
bazel test //... --noshow_progress </dev/null
