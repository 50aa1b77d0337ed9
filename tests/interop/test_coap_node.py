"""Our CoAP server and client beside the package `coap` of node."""

import subprocess
import tempfile
import unittest

import harness

SCRIPT = harness.HERE / "node_coap.js"


def node(*arguments):
    done = subprocess.run(
        ["node", "--no-warnings", SCRIPT, *arguments], capture_output=True, text=True, timeout=harness.PATIENCE * 2
    )
    assert done.returncode == 0, done.stdout + done.stderr
    code, length, *text = done.stdout.strip().split(" ", 2)
    return code, int(length), "".join(text)


class OurServer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(harness.CoapServer())

    def test_methods(self):
        uri = self.server.coap + "/store/node"
        self.assertEqual(node("get", uri)[0], "4.04")
        self.assertEqual(node("put", uri, "one")[0], "2.01")
        self.assertEqual(node("put", uri, "two")[0], "2.04")
        self.assertEqual(node("get", uri), ("2.05", 3, "two"))
        self.assertEqual(node("delete", uri)[0], "2.02")

    def test_a_separate_response(self):
        self.assertEqual(node("get", self.server.coap + "/slow/1200")[2], "That took a while")

    def test_a_long_body(self):
        text = "0123456789" * 1000
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(text)
            file.flush()
            harness.coap_client("put", self.server.coap + "/store/long", f"@{file.name}")
        self.assertEqual(node("get", self.server.coap + "/store/long")[:2], ("2.05", 10_000))

    def test_an_observer_sees_changes(self):
        uri = self.server.coap + "/store/observed"
        harness.coap_client("put", uri, "before")
        with harness.Program("node", "--no-warnings", SCRIPT, "observe", uri) as observer:
            observer.expect("2.05 6 before")
            for value in ["first", "second"]:
                harness.coap_client("put", uri, value)
                observer.expect(f"2.05 {len(value)} {value}")


class OurClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.port = harness.free_port()
        cls.peer = cls.enterClassContext(harness.Program("node", "--no-warnings", SCRIPT, "serve", cls.port))
        cls.peer.expect("ready")
        cls.base = f"coap://127.0.0.1:{cls.port}"

    def test_methods_and_long_bodies(self):
        uri = self.base + "/value"
        self.assertEqual(harness.coap_client("put", uri, "one")[0], "2.04")
        self.assertEqual(harness.coap_client("get", uri)[3], "one")
        self.assertEqual(harness.coap_client("get", self.base + "/nothing")[0], "4.04")
        # Its server takes each block of a request for a request, so that only responses can be long.
        body = harness.long_body(5000)
        code, length, checksum, _ = harness.coap_client("get", self.base + "/long")
        self.assertEqual((code, length, checksum), ("2.05", len(body), harness.checksum(body)))

    def test_observes(self):
        uri = self.base + "/value"
        harness.coap_client("put", uri, "before")
        with harness.Program(harness.os.environ["EXAMPLE_COAP_CLIENT"], "observe", uri) as observer:
            observer.expect(r"^2\.05 .* before$")
            for value in ["first", "second"]:
                harness.coap_client("put", uri, value)
                observer.expect(rf"^2\.05 .* {value}$")


if __name__ == "__main__":
    unittest.main()
