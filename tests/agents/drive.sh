#!/bin/sh
# Runs a real agent once, without a terminal, against a model server.
#
#   drive.sh claude|codex AGENTS BASE_URL HOME PROMPT [ARG…]
#
# AGENTS is the folder that install.sh filled, BASE_URL has no path, HOME is an empty folder that
# the agent may use as its home, the current folder is its workspace, ARGs go to the agent. The environment holds only
# what is set here, so that what an agent needs is written down in one place.
set -eu

agent=$1 agents=$2 url=$3 home=$4 prompt=$5
shift 5
path=/usr/local/bin:/usr/bin:/bin
key=palisade-placeholder

case $agent in
claude)
    # The tools are named, so that neither a trusted folder nor bypassPermissions is needed. The
    # latter is refused as root, unless IS_SANDBOX=1.
    exec env -i PATH="$path" HOME="$home" \
        ANTHROPIC_BASE_URL="$url" \
        ANTHROPIC_API_KEY="$key" \
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1 \
        "$agents/node_modules/.bin/claude" -p "$prompt" \
        --output-format json --allowedTools Bash,Write,Edit,Read "$@" </dev/null
    ;;
codex)
    mkdir -p "$home/.codex"
    cat >"$home/.codex/config.toml" <<CONFIG
model = "gpt-5.5"
model_provider = "palisade"
approval_policy = "never"
sandbox_mode = "danger-full-access"
check_for_update_on_startup = false
web_search = "disabled"

[analytics]
enabled = false

[features]
plugins = false

[model_providers.palisade]
name = "Palisade"
base_url = "$url/v1"
wire_api = "responses"
env_key = "OPENAI_API_KEY"
CONFIG
    exec env -i PATH="$path" HOME="$home" OPENAI_API_KEY="$key" CODEX_API_KEY="$key" \
        "$agents/node_modules/.bin/codex" exec --skip-git-repo-check --json "$@" "$prompt" \
        </dev/null
    ;;
*)
    echo "drive.sh: \`$agent\` is not an agent that it knows; use claude or codex" >&2
    exit 2
    ;;
esac
