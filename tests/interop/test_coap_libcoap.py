"""Our CoAP server and client beside libcoap's coap-client and coap-server, over UDP and TCP."""

import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import harness


def libcoap(method, uri, *arguments, seconds=60):
    """What coap-client prints: first the messages, then what it received."""
    done = subprocess.run(
        ["coap-client-notls", "-v", "7", "-B", str(seconds), "-m", method, *map(str, arguments), uri],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=seconds + 60,
    )
    return done.stdout + done.stderr


class OurServer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(harness.CoapServer())
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))

    def code(self, printed):
        codes = re.findall(r" c:([245]\.\d\d) ", printed)
        self.assertTrue(codes, printed)
        return codes[-1]

    def test_methods(self):
        uri = self.server.coap + "/store/methods/1"
        self.assertEqual(self.code(libcoap("get", uri)), "4.04")
        self.assertEqual(self.code(libcoap("put", uri, "-e", "one")), "2.01")
        self.assertEqual(self.code(libcoap("put", uri, "-e", "two")), "2.04")
        printed = libcoap("get", uri)
        self.assertEqual(self.code(printed), "2.05")
        self.assertIn("two", printed)
        self.assertEqual(self.code(libcoap("delete", uri)), "2.02")
        self.assertEqual(self.code(libcoap("get", uri)), "4.04")
        printed = libcoap("post", self.server.coap + "/store", "-e", "new")
        self.assertEqual(self.code(printed), "2.01")
        self.assertIn("Location-Path:store", printed)

    def test_refusals(self):
        uri = self.server.coap + "/hello"
        self.assertEqual(self.code(libcoap("get", self.server.coap + "/nothing")), "4.04")
        self.assertEqual(self.code(libcoap("put", uri, "-e", "x")), "4.05")
        self.assertEqual(self.code(libcoap("get", uri, "-O", "2051,x")), "4.02")
        self.assertEqual(self.code(libcoap("get", uri, "-A", "60")), "4.06")

    def test_non_confirmable(self):
        printed = libcoap("get", self.server.coap + "/hello", "-N")
        self.assertRegex(printed, r"t:NON c:2\.05")
        self.assertIn("Hello, world", printed)

    def test_links(self):
        printed = libcoap("get", self.server.coap + "/.well-known/core")
        self.assertIn('</hello>;title="A greeting"', printed)

    def test_a_separate_response(self):
        printed = libcoap("get", self.server.coap + "/slow/1200")
        self.assertRegex(printed, r"t:ACK c:0\.00")
        self.assertRegex(printed, r"t:CON c:2\.05")
        self.assertIn("That took a while", printed)

    def test_a_mebibyte_each_way(self):
        self.both_ways(self.server.coap)

    def test_a_mebibyte_each_way_over_tcp(self):
        self.both_ways(self.server.tcp)

    def both_ways(self, base):
        taken = self.folder / "taken"
        taken.unlink(missing_ok=True)
        libcoap("get", base + "/long", "-o", taken)
        self.assertEqual(taken.read_bytes(), harness.long_body())
        sent = self.folder / "sent"
        sent.write_bytes(harness.long_body((1 << 20) + 5)[::-1])
        libcoap("put", base + "/upload", "-f", sent)
        found = self.server.expect(r"(\d+) bytes were uploaded, (\w+)")
        self.assertEqual(int(found[1]), (1 << 20) + 5)
        self.assertEqual(found[2], harness.checksum(sent.read_bytes()))

    def test_small_blocks(self):
        taken = self.folder / "small"
        libcoap("put", self.server.coap + "/store/small", "-e", "0123456789" * 30, "-b", "64")
        libcoap("get", self.server.coap + "/store/small", "-b", "32", "-o", taken)
        self.assertEqual(taken.read_bytes(), b"0123456789" * 30)

    def test_an_observer_sees_changes(self):
        for base in [self.server.coap]:
            uri = base + "/store/observed"
            harness.coap_client("put", uri, "before")
            with harness.Program("coap-client-notls", "-w", "-s", "6", "-B", "60", uri) as observer:
                observer.expect("before")
                for value in ["first", "second", "third"]:
                    harness.coap_client("put", uri, value)
                    observer.expect(value)


class OurClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.port = harness.free_port()
        cls.peer = cls.enterClassContext(
            harness.Program("coap-server-notls", "-d", "100", "-A", "127.0.0.1", "-p", cls.port)
        )
        cls.base = f"coap://127.0.0.1:{cls.port}"
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))

        def answers():
            try:
                return harness.coap_client("get", cls.base + "/")
            except AssertionError:
                return None

        harness.wait_for("coap-server", answers)

    def test_methods(self):
        uri = self.base + "/made"
        self.assertEqual(harness.coap_client("get", uri)[0], "4.04")
        self.assertEqual(harness.coap_client("put", uri, "one")[0], "2.01")
        self.assertEqual(harness.coap_client("put", uri, "two")[0], "2.04")
        self.assertEqual(harness.coap_client("get", uri), ("2.05", 3, harness.checksum(b"two"), "two"))
        self.assertEqual(harness.coap_client("delete", uri)[0], "2.02")
        self.assertEqual(harness.coap_client("get", uri)[0], "4.04")

    def test_a_separate_response(self):
        code, _, _, text = harness.coap_client("get", self.base + "/async?2")
        self.assertEqual((code, text), ("2.05", "done"))

    def test_a_mebibyte_each_way(self):
        sent = self.folder / "sent"
        sent.write_bytes(harness.long_body()[::-1])
        for base in [self.base, self.base.replace("coap:", "coap+tcp:")]:
            with self.subTest(base):
                code = harness.coap_client("put", base + "/example_data", f"@{sent}")[0]
                self.assertIn(code, ["2.01", "2.04"])
                code, length, checksum, _ = harness.coap_client("get", base + "/example_data")
                self.assertEqual((code, length), ("2.05", 1 << 20))
                self.assertEqual(checksum, harness.checksum(sent.read_bytes()))

    def test_observes(self):
        with harness.Program(harness.os.environ["EXAMPLE_COAP_CLIENT"], "observe", self.base + "/time") as observer:
            first = observer.expect(r"^2\.05 .*\d\d:\d\d:\d\d")
            for _ in range(2):
                observer.expect(lambda line: line.startswith("2.05") and line != first.string)


if __name__ == "__main__":
    unittest.main()
