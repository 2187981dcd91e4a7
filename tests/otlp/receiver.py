"""An OpenTelemetry receiver, by HTTP and by gRPC, which prints what it got: a line of JSON each.

    receiver.py [FAILURES [count]]

The first line has the two ports. The first FAILURES requests are refused as a server does that is busy. With `count` only
the number of log records of a request is told.
"""

import json
import sys
import threading
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2_grpc as logs_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as metrics_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as traces
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as traces_grpc

failures = int(sys.argv[1]) if len(sys.argv) > 1 else 0
lock = threading.Lock()


def say(**what):
    with lock:
        print(json.dumps(what), flush=True)


def busy():
    global failures
    with lock:
        failures -= 1
        return failures >= 0


def got(way, signal, message, headers):
    if sys.argv[2:] == ["count"]:
        scopes = [scope for of in getattr(message, "resource_logs", []) for scope in of.scope_logs]
        say(way=way, signal=signal, records=sum(len(scope.log_records) for scope in scopes))
        return
    say(way=way, signal=signal, headers=headers, body=json_format.MessageToDict(message))


HTTP = {
    "/v1/logs": ("logs", logs.ExportLogsServiceRequest),
    "/v1/traces": ("traces", traces.ExportTraceServiceRequest),
    "/v1/metrics": ("metrics", metrics.ExportMetricsServiceRequest),
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        status = 404
        if self.path in HTTP:
            signal, kind = HTTP[self.path]
            status = 503 if busy() else 200
            if status == 200:
                got("http", signal, kind.FromString(body), dict(self.headers.items()))
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def servicer(base, signal, answer):
    class Servicer(base):
        def Export(self, request, context):
            if busy():
                context.abort(grpc.StatusCode.UNAVAILABLE, "busy")
            got("grpc", signal, request, dict(context.invocation_metadata()))
            return answer()

    return Servicer()


server = grpc.server(futures.ThreadPoolExecutor(4))
logs_grpc.add_LogsServiceServicer_to_server(
    servicer(logs_grpc.LogsServiceServicer, "logs", logs.ExportLogsServiceResponse), server
)
traces_grpc.add_TraceServiceServicer_to_server(
    servicer(traces_grpc.TraceServiceServicer, "traces", traces.ExportTraceServiceResponse), server
)
metrics_grpc.add_MetricsServiceServicer_to_server(
    servicer(metrics_grpc.MetricsServiceServicer, "metrics", metrics.ExportMetricsServiceResponse), server
)
port = server.add_insecure_port("127.0.0.1:0")
server.start()
http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
say(http=http.server_port, grpc=port)
http.serve_forever()
