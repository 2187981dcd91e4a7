#!/bin/sh
# Installs the agents that tests drive, at the versions of versions.txt.
#
#   install.sh [DIR]          DIR: target/agents of this clone
#
# Needs npm and node; npm's registry is the only network it uses. Runs again without work when
# the versions are there already.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
dir=${1:-$here/../../target/agents}
mkdir -p "$dir"
dir=$(CDPATH='' cd -- "$dir" && pwd)

if cmp -s "$here/versions.txt" "$dir/installed.txt"; then
    exit 0
fi
rm -rf "$dir/node_modules" "$dir/package.json" "$dir/package-lock.json" "$dir/installed.txt"
claude=$(awk '$1 == "@anthropic-ai/claude-code" {print $2}' "$here/versions.txt")
codex=$(awk '$1 == "@openai/codex" {print $2}' "$here/versions.txt")
echo '{"private": true}' >"$dir/package.json"

# No script of a package runs before its digest was compared.
npm install --prefix "$dir" --ignore-scripts --no-audit --no-fund --loglevel=error \
    "@anthropic-ai/claude-code@$claude" "@openai/codex@$codex" >&2
node - "$here/versions.txt" "$dir" <<'JS'
const fs = require('fs')
const [, , list, dir] = process.argv
const lock = JSON.parse(fs.readFileSync(`${dir}/package-lock.json`, 'utf8')).packages
for (const line of fs.readFileSync(list, 'utf8').split('\n')) {
  if (!line || line.startsWith('#')) continue
  const [name, version, digest] = line.split(' ')
  const found = lock[`node_modules/${name}`]
  // Absent: built for another processor than this machine has.
  if (!found || !fs.existsSync(`${dir}/node_modules/${name}/package.json`)) continue
  if (found.version !== version || found.integrity !== digest) {
    console.error(`install.sh: ${name} is ${found.version} ${found.integrity}, not ${version} ${digest}`)
    process.exit(1)
  }
}
JS
# Claude Code's own step after the install: it puts the native program in place.
(cd "$dir/node_modules/@anthropic-ai/claude-code" && node install.cjs >&2)
chmod -R a+rX "$dir"
cp "$here/versions.txt" "$dir/installed.txt"
