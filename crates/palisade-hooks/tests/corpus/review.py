#!/usr/bin/env python3
"""Permits what reads, asks for what changes the world, refuses what destroys."""
import json
import re
import sys

data = json.load(sys.stdin)
if data["tool_name"] != "Bash":
    sys.exit(0)
command = data["tool_input"]["command"]
RULES = [
    (r"^rm\s+-rf\s+/", "deny", "it would remove everything"),
    (r"^(terraform|kubectl)\b", "ask", "it changes what others use"),
    (r"^(ls|cat|pwd)\b", "allow", "it only reads"),
]
for pattern, decision, reason in RULES:
    if re.search(pattern, command):
        print(json.dumps({
            "hookSpecificOutput": {
                "hookEventName": "PreToolUse",
                "permissionDecision": decision,
                "permissionDecisionReason": reason,
            },
            "suppressOutput": True,
        }))
        break
