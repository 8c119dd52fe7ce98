"""A local endpoint that speaks the chat-completions protocol and says what a test wants."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Stub:
    """What the stub was asked, and where it listens."""

    def __init__(self, url):
        self.url, self.requests, self.headers = url, [], []


def completion(words, usage=(100, 20)):
    """Make a chat completion of some words."""
    tokens = {"prompt_tokens": usage[0], "completion_tokens": usage[1]} if usage else None
    return {"choices": [{"message": {"role": "assistant", "content": words}}], "usage": tokens}


@contextmanager
def stub(answer):
    """Serve on 127.0.0.1; `answer(request, number)` gives the words, or (status, headers, body)."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            served.requests.append(request)
            served.headers.append({"path": self.path, **self.headers})
            given = answer(request, len(served.requests))
            status, headers, body = given if isinstance(given, tuple) else (200, {}, completion(given))
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            try:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            except OSError:
                pass  # the client has given up

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = Stub(f"http://127.0.0.1:{server.server_port}/v1")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
