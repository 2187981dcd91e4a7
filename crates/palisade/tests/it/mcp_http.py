"""A server of the Model Context Protocol over HTTP, which prints its port: JSON and streams of events, a session, a
request of its own before each call's result."""
import json
import queue
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOOLS = [
    {"name": "add", "description": "Adds two numbers.", "inputSchema": {"type": "object"}},
    {"name": "erase", "description": "Erases a file.", "inputSchema": {"type": "object"}},
]
heard = queue.Queue()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, kind="", body=b"", session=False):
        self.send_response(status)
        if kind:
            self.send_header("content-type", kind)
        if session:
            self.send_header("mcp-session-id", "the-session")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def event(self, message):
        part = b"event: message\r\ndata: " + json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\r\n\r\n"
        self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        self.wfile.flush()

    def do_GET(self):
        self.answer(405)

    def do_DELETE(self):
        print("deleted", self.headers["mcp-session-id"], flush=True)
        self.answer(200)

    def do_POST(self):
        told = json.loads(self.rfile.read(int(self.headers["content-length"])))
        method, params = told.get("method"), told.get("params", {})
        if self.headers["authorization"] != "Bearer the-token":
            return self.answer(401)
        if method == "initialize":
            result = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}}
            # JSON over several lines.
            body = json.dumps({"jsonrpc": "2.0", "id": told["id"], "result": result}, indent=1).encode()
            return self.answer(200, "application/json", body, session=True)
        if (self.headers["mcp-session-id"], self.headers["mcp-protocol-version"]) != ("the-session", "2025-06-18"):
            return self.answer(400)
        if method is None:
            heard.put(told)
            return self.answer(202)
        if "id" not in told:
            return self.answer(202)
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        if method == "tools/list":
            self.event({"id": told["id"], "result": {"tools": TOOLS}})
        elif method == "tools/call":
            # It waits for the client's answer before it goes on.
            self.event({"id": 900, "method": "sampling/createMessage", "params": {"messages": []}})
            said = heard.get(timeout=20)
            print("answered", said["error"]["code"], flush=True)
            text = str(sum(params["arguments"].values())) if params["name"] == "add" else "erased"
            self.event({"id": told["id"], "result": {"content": [{"type": "text", "text": text}]}})
        self.wfile.write(b"0\r\n\r\n")


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
sys.stderr = open("/dev/null", "w")
server.serve_forever()
