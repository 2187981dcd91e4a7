#!/bin/sh
# Formats a file that an agent has written.
#
#   format-after-edit.sh
#
# For PostToolUse of Write and Edit. A formatter reads settings, and some run code, of the folder that the agent writes:
# so it is run in a sandbox of its own (`palisade run --profile shell`). A file for which there is no formatter is left as
# it is; a formatter that fails is told to the agent.
set -u

told=$(head -c 8000000) || exit 2
field() {
    printf '%s' "$told" | python3 -c '
import json, sys
told = json.load(sys.stdin)
for part in sys.argv[1:]:
    told = told.get(part, "") if isinstance(told, dict) else ""
print(told if isinstance(told, str) else "")' "$@"
}
file=$(field tool_input file_path) || { echo "format-after-edit.sh: the event cannot be read" >&2; exit 2; }
folder=$(field cwd)
[ -n "$file" ] || exit 0
cd -- "${folder:-.}" || exit 2
# Only what lies below the folder, and through no link.
here=$(pwd -P)
case $file in /*) ;; *) file=$here/$file ;; esac
real=$(readlink -f -- "$file") || exit 0
[ "$real" = "$file" ] && [ -f "$file" ] || exit 0
case $real in "$here"/*) ;; *) exit 0 ;; esac
case $file in
*.rs) set -- rustfmt --edition 2024 ;;
*.go) set -- gofmt -w ;;
*.py) set -- ruff format --quiet ;;
*.js | *.ts | *.jsx | *.tsx | *.css | *.md | *.yaml | *.yml) set -- prettier --write --log-level warn ;;
*.json) set -- python3 -c 'import json, sys
path = sys.argv[1]
text = open(path).read()
new = json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"
if new != text: open(path, "w").write(new)' ;;
*) exit 0 ;;
esac
command -v "$1" >/dev/null || exit 0
command -v palisade >/dev/null || { echo "format-after-edit.sh: palisade is not in PATH" >&2; exit 2; }
unset PALISADE_HOOK
said=$(palisade run --quiet --profile shell -- "$@" "$file" 2>&1) && exit 0
{
    echo "the formatter fails on $file:"
    printf '%s\n' "$said" | tail -n 20 | cut -c 1-500
} >&2
exit 2
