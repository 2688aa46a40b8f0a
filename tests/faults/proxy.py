"""A proxy on loopback before the API server of the test cluster, which makes it fail as real ones do.

It ends TLS with a certificate of the cluster's own authority and hands every request on over a connection of its own. What goes
wrong is said by a `Faults`; without one everything goes through.
"""

import http.client
import json
import pathlib
import random
import socket
import socketserver
import ssl
import subprocess
import threading
import time
import urllib.parse

CHUNK = 65536
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}


class Faults:
    """What goes wrong, drawn from a random source. Switched on and off at any time."""

    def __init__(self, source=None):
        self.random = source or random.Random(0)
        self.lock = threading.Lock()
        # Probability of each fault, for a request.
        self.chances = {}
        # Each so many times in all, at the next requests.
        self.once = {}
        self.away = threading.Event()
        self.latency = 0.0
        # Watches end after so many seconds, cut in the middle.
        self.watch_seconds = None
        self.counts = {}

    def draw(self):
        """The fault of the next request, or None."""
        with self.lock:
            for fault, left in self.once.items():
                if left > 0:
                    self.once[fault] -= 1
                    return self.count(fault)
            for fault, chance in self.chances.items():
                if self.random.random() < chance:
                    return self.count(fault)
        return None

    def count(self, fault):
        self.counts[fault] = self.counts.get(fault, 0) + 1
        return fault


def refusal(code, reason, message, **headers):
    """An answer of the API server's own form."""
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": reason, "message": message, "code": code}
    return code, {"Content-Type": "application/json", **headers}, json.dumps(status).encode()


REFUSALS = {
    "429": refusal(429, "TooManyRequests", "too many requests, please try again later", **{"Retry-After": "1"}),
    "500": refusal(500, "InternalError", "Internal error occurred: etcdserver: request timed out"),
    "503": refusal(503, "ServiceUnavailable", "the server is currently unable to handle the request"),
    "401": refusal(401, "Unauthorized", "Unauthorized"),
}


class Handler(socketserver.StreamRequestHandler):
    """One connection of a client."""

    def handle(self):
        self.server.open.add(self.connection)
        upstream = self.server.upstream()
        try:
            while self.one(upstream):
                pass
        except (OSError, http.client.HTTPException, ValueError):
            pass
        finally:
            self.server.open.discard(self.connection)
            upstream.close()

    def one(self, upstream):
        """Hands one request on. False if the connection is over."""
        line = self.rfile.readline(CHUNK).decode("latin-1").split()
        if len(line) != 3:
            return False
        method, path, _ = line
        headers = http.client.parse_headers(self.rfile)
        body = self.rfile.read(int(headers["Content-Length"])) if "Content-Length" in headers else self.chunked(headers)
        faults = self.server.faults
        if faults.away.is_set():
            return False
        time.sleep(faults.latency)
        fault = faults.draw()
        if fault == "cut":
            return False
        if fault in REFUSALS:
            self.answer(*REFUSALS[fault])
            return True
        passed = {name: value for name, value in headers.items() if name.lower() not in HOP_BY_HOP}
        upstream.request(method, path, body, passed)
        answer = upstream.getresponse()
        if fault == "cut-after":
            # It was done, and the client does not learn it.
            return False
        self.pass_on(answer, path)
        return not answer.will_close

    def chunked(self, headers):
        if headers.get("Transfer-Encoding", "").lower() != "chunked":
            return None
        parts = []
        while size := int(self.rfile.readline(CHUNK).split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline(CHUNK)
        self.rfile.readline(CHUNK)
        return b"".join(parts)

    def answer(self, code, headers, body):
        lines = [f"HTTP/1.1 {code} {http.client.responses.get(code, '')}"]
        lines += [f"{name}: {value}" for name, value in headers.items()] + [f"Content-Length: {len(body)}", "", ""]
        self.wfile.write("\r\n".join(lines).encode("latin-1") + body)
        self.wfile.flush()

    def pass_on(self, answer, path):
        """Streams an answer, so that a watch is heard as it comes."""
        faults = self.server.faults
        headers = [f"{name}: {value}" for name, value in answer.getheaders() if name.lower() not in HOP_BY_HOP]
        if answer.status in (204, 304):
            # These never have a body.
            self.wfile.write("\r\n".join([f"HTTP/1.1 {answer.status} {answer.reason}", *headers, "", ""]).encode("latin-1"))
            self.wfile.flush()
            answer.read()
            return
        head = [f"HTTP/1.1 {answer.status} {answer.reason}", *headers, "Transfer-Encoding: chunked", "", ""]
        self.wfile.write("\r\n".join(head).encode("latin-1"))
        self.wfile.flush()
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(path).query)
        is_watch = query.get("watch", [""])[0] in ("1", "true")
        if is_watch and faults.watch_seconds is not None:
            timer = threading.Timer(faults.watch_seconds, self.cut)
            timer.daemon = True
            timer.start()
            faults.count("watch cut")
        while piece := answer.read1(CHUNK):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()
        # Else the connection to the server takes no other request.
        answer.close()

    def cut(self):
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class Proxy(socketserver.ThreadingTCPServer):
    """Listens on a free port of loopback."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, state, folder, faults):
        self.faults, self.open = faults, set()
        state = pathlib.Path(state)
        address = urllib.parse.urlsplit((state / "server").read_text().strip())
        self.host, self.port = address.hostname, address.port
        self.trusted = ssl.create_default_context(cafile=state / "pki/ca.crt")
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*certificate(state / "pki", folder))
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"https://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def upstream(self):
        return http.client.HTTPSConnection(self.host, self.port, timeout=120, context=self.trusted)

    def finish_request(self, request, client_address):
        # In the connection's own thread, so that one that says nothing keeps nobody waiting.
        if self.faults.away.is_set():
            request.close()
            return
        try:
            with self.context.wrap_socket(request, server_side=True) as connection:
                super().finish_request(connection, client_address)
        except OSError:
            pass

    def go_away(self, seconds):
        """Cuts all connections, and takes none for so long."""
        self.faults.count("away")
        self.faults.away.set()
        for connection in list(self.open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        timer = threading.Timer(seconds, self.faults.away.clear)
        timer.daemon = True
        timer.start()

    def kubeconfig(self, of, to):
        """Writes a kubeconfig like another one, that leads here."""
        text = pathlib.Path(of).read_text()
        server = f"https://{self.host}:{self.port}"
        if server not in text:
            raise ValueError(f"{of} does not lead to {server}")
        pathlib.Path(to).write_text(text.replace(server, self.url))


def certificate(pki, folder):
    """A certificate for loopback, signed by the cluster's own authority: the paths of it and of its key."""
    key, request, signed, names = (pathlib.Path(folder) / name for name in ("proxy.key", "proxy.csr", "proxy.crt", "proxy.names"))
    names.write_text("subjectAltName=IP:127.0.0.1\n")
    for command in (
        ["req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", "/CN=proxy"],
        ["x509", "-req", "-in", request, "-CA", pki / "ca.crt", "-CAkey", pki / "ca.key", "-set_serial", "4711", "-days", "2", "-extfile", names, "-out", signed],
    ):
        subprocess.run(["openssl", *map(str, command)], check=True, capture_output=True)
    return signed, key
