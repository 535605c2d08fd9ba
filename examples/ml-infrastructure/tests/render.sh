#!/bin/sh
# Renders every overlay with the kustomize program (5.8.1) and compares it with tests/expected;
# `tests/render.sh --write` stores what it renders instead.
set -eu
cd "$(dirname "$0")/.."
kustomize=${KUSTOMIZE:-kustomize}
status=0
for path in infrastructure/crds infrastructure/configs/dev infrastructure/configs/staging infrastructure/configs/production \
  tenants/dev tenants/staging tenants/production apps/tokenizer \
  apps/model-serving/overlays/dev apps/model-serving/overlays/staging apps/model-serving/overlays/production; do
  file=tests/expected/$(echo "$path" | tr / _).yaml
  if [ "${1:-}" = --write ]; then
    mkdir -p tests/expected
    "$kustomize" build "$path" > "$file"
  elif ! "$kustomize" build "$path" | diff -u "$file" -; then
    status=1
  fi
done
exit $status
