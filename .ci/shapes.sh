#!/usr/bin/env bash
# Holds what the tests sent to Slack against the types that Slack publishes for it:
#
#   SCANWARDEN_TEST_SHAPES=DIR go test ./slackbot && .ci/shapes.sh DIR NODE_MODULES
#
# The compiler refuses unknown fields, elements and scopes, and missing ones; it knows nothing of lengths. Each
# file becomes a literal in a program, because only in literals does it look for fields too many.
set -euo pipefail
shapes=$1 modules=$(cd "$2" && pwd)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ln -s "$modules" "$work/node_modules"

# Slack's views take any block at all; ours are to be of the kinds it knows.
cat >"$work/shapes.ts" <<'TYPES'
import type { HomeView, KnownBlock, ModalView, PlainTextOption } from '@slack/types';
import type { Manifest } from '@slack/web-api/dist/types/request/manifest';
interface Modal extends ModalView { blocks: KnownBlock[] }
interface Home extends HomeView { blocks: KnownBlock[] }
TYPES
declare -A types=([blocks]='KnownBlock[]' [modal]=Modal [home]=Home [options]='PlainTextOption[]' [manifest]=Manifest)
total=0
for kind in blocks modal home options manifest; do
  count=0
  for file in "$shapes/$kind"-*.json; do
    [ -e "$file" ] || { echo "the tests sent no $kind" >&2; exit 1; }
    count=$((count + 1))
    { printf '// %s\nexport const %s%d: %s = ' "${file##*/}" "$kind" "$count" "${types[$kind]}"; cat "$file"; echo ';'; } >>"$work/shapes.ts"
  done
  total=$((total + count))
done
(cd "$work" && "$modules/.bin/tsc" --noEmit --strict --skipLibCheck --module nodenext --moduleResolution nodenext shapes.ts)
echo "$total messages, views and manifests have the shapes that Slack's types ask for"
