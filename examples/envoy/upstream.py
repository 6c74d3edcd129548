#!/usr/bin/env python3
"""A stand-in for a model server: answers every POST like OpenAI's API, with the pact headers that reached it.

Usage: upstream.py PORT
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Model(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        pact = {k: v for k, v in self.headers.items() if k.lower().startswith("x-safety-pact-")}
        message = {"role": "assistant", "content": "Hello! This is what the gateway told me."}
        self.answer({"choices": [{"index": 0, "message": message}], "pact": pact})

    def do_GET(self):
        self.answer({"status": "ok"})

    def answer(self, value):
        body = (json.dumps(value) + "\n").encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass  # Envoy logs every request.


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Model).serve_forever()
