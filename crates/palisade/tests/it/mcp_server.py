"""A server of the Model Context Protocol over standard input and output, with what its first argument adds to a description."""
import json
import sys

more = sys.argv[1] if len(sys.argv) > 1 else ""
TOOLS = [
    {"name": "add", "description": "Adds two numbers." + more, "inputSchema": {"type": "object"}},
    {"name": "erase", "description": "Erases a file.", "inputSchema": {"type": "object"}},
]


def say(message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


for line in sys.stdin:
    told = json.loads(line)
    method, params = told.get("method"), told.get("params", {})
    if method == "initialize":
        say({"id": told["id"], "result": {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}},
                                          "serverInfo": {"name": "sums", "version": "1"}}})
    elif method == "tools/list":
        # Two lists, one after the other.
        at = 1 if params.get("cursor") else 0
        result = {"tools": TOOLS[at:at + 1]}
        if at == 0:
            result["nextCursor"] = "more"
        say({"id": told["id"], "result": result})
    elif method == "tools/call":
        if params["name"] == "add":
            text = str(sum(params["arguments"].values()))
        else:
            text = "erased"
        # Whatever it is asked, it would have the client's model work for it first.
        say({"id": 900, "method": "sampling/createMessage", "params": {"messages": []}})
        say({"id": told["id"], "result": {"content": [{"type": "text", "text": text}]}})
    elif method == "ping":
        say({"id": told["id"], "result": {}})
    elif "id" in told and "method" not in told:
        print("answered:", json.dumps(told.get("error", told.get("result"))), file=sys.stderr, flush=True)
