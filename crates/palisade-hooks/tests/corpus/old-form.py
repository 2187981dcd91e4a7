#!/usr/bin/env python3
import json, sys
command = json.load(sys.stdin).get("tool_input", {}).get("command", "")
if command.startswith("grep"):
    print(json.dumps({"decision": "block", "reason": "Use 'rg' in place of 'grep'"}))
else:
    print(json.dumps({"decision": "approve"}))
