#!/bin/bash
# Refuses a forced push. Without jq: the command is taken out with sed.
input=$(cat)
command=$(printf '%s' "$input" | sed -n 's/.*"command":"\([^"]*\)".*/\1/p')
if printf '%s' "$command" | grep -qE 'git +push.*(--force|-f)'; then
  echo "forced pushes are not permitted here: $command" >&2
  exit 2
fi
exit 0
