#!/usr/bin/env bash
# Refuses to edit files that tools make.
set -euo pipefail
file=$(jq -r '.tool_input.file_path // empty')
for protected in .env package-lock.json .git/; do
  if [[ "$file" == *"$protected"* ]]; then
    echo "Blocked: $file matches protected pattern '$protected'" >&2
    exit 2
  fi
done
