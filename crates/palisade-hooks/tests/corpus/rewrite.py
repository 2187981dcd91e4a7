#!/usr/bin/env python3
"""Gives each command a time to end."""
import json, sys
data = json.load(sys.stdin)
command = data["tool_input"]["command"]
print(json.dumps({"hookSpecificOutput": {
    "hookEventName": "PreToolUse",
    "updatedInput": {**data["tool_input"], "command": f"timeout 60 {command}"},
}}))
