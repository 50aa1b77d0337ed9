"""Starts Dunlin and its foreign peers on free ports of the loopback, talks to the HTTP API, and ends what it started.

`cargo xtask interop` sets DUNLIN (the program), EXAMPLE_COAP_CLIENT and EXAMPLE_COAP_SERVER (the examples), NODE_PATH
(npm's packages), what `dtls_harness.py` names, and runs this under Python with
`requirements.txt` installed.
"""

import functools
import json
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
DUNLIN = os.environ.get("DUNLIN", "dunlin")
# Until an answer is called missing; generous, because the machine may be busy.
PATIENCE = 30.0


def free_port(kind=socket.SOCK_DGRAM):
    """A port that nothing listens on. It is free again when this returns, so take it soon."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@functools.cache
def coap_peer():
    """The example `peer` of dunlin-coap, a bare CoAP client and server; built where COAP_PEER does not name it."""
    if program := os.environ.get("COAP_PEER"):
        return program
    command = "cargo build --package dunlin-coap --features websocket --example peer --message-format json"
    done = subprocess.run(command.split(), cwd=HERE, stdout=subprocess.PIPE, text=True, check=True)
    messages = map(json.loads, done.stdout.splitlines())
    return next(m["executable"] for m in messages if m.get("target", {}).get("name") == "peer" and m["executable"])


def wait_for(what, condition, patience=PATIENCE):
    """The first true value of `condition()`."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError(f"waited {patience:.0f} s for {what}")


class Program:
    """A running program whose lines are kept; used as a context manager."""

    def __init__(self, *command, environment=()):
        self.name = Path(str(command[0])).name
        self.lines = []
        self.arrived = threading.Condition()
        self.process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, **dict(environment)},
        )
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            with self.arrived:
                self.lines.append(line.rstrip("\n"))
                self.arrived.notify_all()
        with self.arrived:
            self.lines.append(None)
            self.arrived.notify_all()

    def say(self, line):
        """Writes one line to the program's standard input."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def expect(self, wanted, patience=PATIENCE):
        """Takes lines until one fits (a regular expression, or a function that returns something true)."""
        fits = wanted if callable(wanted) else re.compile(wanted).search
        end = time.monotonic() + patience
        seen = []
        with self.arrived:
            while True:
                while self.lines:
                    line = self.lines.pop(0)
                    if line is None:
                        self.lines.append(None)
                        raise AssertionError(f"{self.name} ended; it had printed:\n" + "\n".join(seen[-40:]))
                    seen.append(line)
                    if found := fits(line):
                        return found
                left = end - time.monotonic()
                if left <= 0 or not self.arrived.wait(left):
                    raise AssertionError(f"no {wanted!r} from {self.name}; it printed:\n" + "\n".join(seen[-40:]))

    def event(self, kind, **members):
        """The next JSON line of that event with these members; other lines before it are skipped."""

        def fits(line):
            try:
                event = json.loads(line)
            except ValueError:
                return None
            if isinstance(event, dict) and {"event": kind, **members}.items() <= event.items():
                return event
            return None

        return self.expect(fits)

    def __enter__(self):
        return self

    def __exit__(self, failed, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.reader.join(5)
        self.process.stdin.close()
        self.process.stdout.close()
        if failed:
            rest = [line for line in self.lines if line is not None]
            print(f"--- {self.name}, what it printed last:", *rest[-40:], sep="\n", file=sys.stderr)


class Problem(Exception):
    """An error answer of the HTTP API."""

    def __init__(self, status, body):
        super().__init__(f"{status}: {body}")
        self.status, self.body = status, body


class Manager(Program):
    """`dunlin serve` with an empty data folder."""

    def __init__(self, environment=()):
        self.folder = tempfile.TemporaryDirectory()
        self.coap_port = free_port()
        self.coaps_port = free_port()
        self.http_port = free_port(socket.SOCK_STREAM)
        super().__init__(
            DUNLIN,
            "serve",
            "--coap",
            f"127.0.0.1:{self.coap_port}",
            "--coap",
            f"coaps://127.0.0.1:{self.coaps_port}",
            "--http",
            f"127.0.0.1:{self.http_port}",
            "--data",
            self.folder.name,
            environment=environment,
        )
        self.coap = f"coap://127.0.0.1:{self.coap_port}"
        self.coaps = f"coaps://127.0.0.1:{self.coaps_port}"
        self.http = f"http://127.0.0.1:{self.http_port}"

    def __enter__(self):
        try:
            wait_for("the manager's /healthz", self.healthy)
        except AssertionError:
            self.__exit__(AssertionError)
            raise
        return self

    def __exit__(self, failed, *rest):
        super().__exit__(failed, *rest)
        self.folder.cleanup()

    def healthy(self):
        if self.process.poll() is not None:
            raise AssertionError("the manager ended:\n" + "\n".join(line or "" for line in self.lines))
        try:
            return urllib.request.urlopen(self.http + "/healthz", timeout=5).status == 200
        except OSError:
            return False

    def call(self, method, path, body=None):
        """One request to the API; its JSON, or a `Problem`."""
        request = urllib.request.Request(self.http + path, method=method)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as response:
                text = response.read()
        except urllib.error.HTTPError as error:
            with error:
                raise Problem(error.code, error.read().decode()) from None
        return json.loads(text) if text else None

    def metrics(self):
        with urllib.request.urlopen(self.http + "/metrics", timeout=PATIENCE) as response:
            return response.read().decode()

    def endpoints(self):
        return [device["endpoint"] for device in self.call("GET", "/api/v1/devices")["devices"]]

    def device(self, endpoint):
        wait_for(f"{endpoint} in the device list", lambda: endpoint in self.endpoints())
        return Device(self, endpoint)

    def events(self):
        return Events(self)


class Device:
    """The API's operations on one device."""

    def __init__(self, manager, endpoint):
        self.manager = manager
        self.root = "/api/v1/devices/" + urllib.parse.quote(endpoint, safe="")

    def detail(self):
        return self.manager.call("GET", self.root)

    def read(self, path, content_format=None):
        """{path: value} of a live read."""
        query = f"?format={content_format}" if content_format else ""
        answer = self.manager.call("GET", f"{self.root}/resources{path}{query}")
        return {record["path"]: record["value"] for record in answer["records"]}

    def write(self, path, value):
        self.manager.call("PUT", f"{self.root}/resources{path}", {"value": value})

    def write_partial(self, path, records):
        body = {"records": [{"path": relative, "value": value} for relative, value in records.items()]}
        self.manager.call("PATCH", f"{self.root}/resources{path}", body)

    def execute(self, path, arguments=None):
        self.manager.call("POST", f"{self.root}/execute{path}", {"arguments": arguments} if arguments else {})

    def discover(self, path):
        links = self.manager.call("GET", f"{self.root}/discover{path}")["links"]
        return {link["path"]: link["attributes"] for link in links}

    def write_attributes(self, path, **attributes):
        self.manager.call("PUT", f"{self.root}/attributes{path}", attributes)

    def observe(self, path, **attributes):
        self.manager.call("PUT", f"{self.root}/observations{path}", attributes)

    def cancel(self, path):
        self.manager.call("DELETE", f"{self.root}/observations{path}")


class Events:
    """The API's server-sent events from now on; used as a context manager."""

    def __init__(self, manager):
        self.manager = manager
        self.queue = queue.Queue()

    def __enter__(self):
        self.response = urllib.request.urlopen(self.manager.http + "/api/v1/events", timeout=PATIENCE)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        return self

    def __exit__(self, *_):
        # The reader may wait inside the stream: ending the connection below it wakes it up.
        try:
            self.response.fp.raw._sock.shutdown(socket.SHUT_RDWR)
        except (AttributeError, OSError):
            pass
        self.reader.join(5)
        self.response.close()

    def read(self):
        name = None
        try:
            for line in self.response:
                line = line.decode().rstrip("\r\n")
                if line.startswith("event:"):
                    name = line[6:].strip()
                elif line.startswith("data:") and name:
                    self.queue.put((name, json.loads(line[5:])))
                elif not line:
                    name = None
        except (OSError, ValueError, AttributeError):
            pass

    def expect(self, name, fits=lambda data: True, patience=PATIENCE):
        """The data of the next event of that name that fits."""
        end = time.monotonic() + patience
        seen = []
        while (left := end - time.monotonic()) > 0:
            try:
                event, data = self.queue.get(timeout=left)
            except queue.Empty:
                break
            if event == name and fits(data):
                return data
            seen.append((event, data))
        raise AssertionError(f"no event {name}; there were {seen}")


def foreign_device(manager, endpoint, *more):
    """The LwM2M client on aiocoap, registered at the manager."""
    return Program(
        sys.executable,
        HERE / "aiocoap_device.py",
        "--server",
        manager.coap,
        "--endpoint",
        endpoint,
        "--port",
        free_port(),
        *more,
    )


def agent(server, endpoint, *more):
    """`dunlin agent`: our own simulated device."""
    return Program(DUNLIN, "agent", "--server", server, "--endpoint", endpoint, *more)


def node_program(name, **environment):
    """One of lwm2m-node-lib's own programs, with the settings of node_port.js."""
    bin_folder = Path(os.environ["NODE_PATH"]) / "lwm2m-node-lib/bin"
    return Program(
        "node",
        "--no-warnings",
        "-r",
        HERE / "node_port.js",
        bin_folder / name,
        environment={key: str(value) for key, value in environment.items()},
    )


class CoapServer(Program):
    """The example `coap_server`: CoAP alone, over UDP and TCP on one port."""

    def __init__(self):
        self.port = free_port()
        super().__init__(os.environ["EXAMPLE_COAP_SERVER"], f"127.0.0.1:{self.port}")
        self.coap = f"coap://127.0.0.1:{self.port}"

    def __enter__(self):
        try:
            self.tcp = self.expect(r"serving coap://\S+ and (coap\+tcp://\S+)")[1]
        except AssertionError:
            self.__exit__(AssertionError)
            raise
        return self


def coap_client(*arguments):
    """What the example `coap_client` tells of a response: code, length, checksum, and the rest of the line."""
    done = subprocess.run(
        [os.environ["EXAMPLE_COAP_CLIENT"], *map(str, arguments)], capture_output=True, text=True, timeout=120
    )
    found = re.match(r"(\d\.\d\d) (?:[A-Z][A-Za-z -]* )?(\d+) bytes ([0-9a-f]{8})(.*)", done.stdout, re.DOTALL)
    if done.returncode or not found:
        raise AssertionError(f"coap_client {arguments}: {done.stdout}{done.stderr}")
    return found[1], int(found[2]), found[3], found[4].strip()


def checksum(data):
    """As the examples print it."""
    value = 0
    for byte in data:
        value = (value * 31 + byte) & 0xFFFF_FFFF
    return f"{value:08x}"


def long_body(length=1 << 20):
    """What the example `coap_server` has at /long."""
    return (bytes(range(251)) * (length // 251 + 1))[:length]
