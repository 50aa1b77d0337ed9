"""Our DTLS below aiocoap on tinydtls: CoAP over DTLS with a pre-shared key, both ways."""

import json
import sys
import tempfile
import unittest

from dtls_harness import PSK, PSK_IDENTITY, OurClient, OurServer, coap_answer, coap_get, port_before_a_port, psk
from harness import HERE, Program


class OurClientTheirServer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        port = port_before_a_port()
        cls.port = port + 1
        cls.server = cls.enterClassContext(
            Program(sys.executable, HERE / "aiocoap_server.py", port, PSK_IDENTITY, PSK.hex())
        )
        cls.server.expect("^ready")

    def test_a_get(self):
        with OurClient(self.port, *psk(), "--hex") as client:
            self.assertIn("TLS_PSK_WITH_AES_128_CCM_8", client.established())
            client.say(coap_get("slow", message_id=0x4242).hex())
            client.expect(lambda line: line.startswith("received ") and b"slow".hex() in line)

    def test_a_wrong_key(self):
        with OurClient(self.port, *psk(key=b"another"), in_a_hurry=True) as client:
            client.failed()

    def test_an_unknown_identity(self):
        with OurClient(self.port, *psk(identity="another"), in_a_hurry=True) as client:
            client.failed()


class TheirClientOurServer(unittest.TestCase):
    def client(self, server, key=PSK, identity=PSK_IDENTITY):
        """aiocoap-client, which GETs /temperature."""
        base = f"coaps://127.0.0.1:{server.port}"
        own = {"dtls": {"psk": {"hex": key.hex()}, "client-identity": {"ascii": identity}}}
        file = self.enterContext(tempfile.NamedTemporaryFile("w", suffix=".json"))
        json.dump({f"{base}/*": own}, file)
        file.flush()
        return Program(
            *(sys.executable, "-m", "aiocoap.cli.client", "--credentials", file.name, f"{base}/temperature")
        )

    def test_a_get(self):
        with OurServer(*psk(), "--manual", "--hex") as server, self.client(server) as client:
            agreed = server.established()
            self.assertIn("TLS_PSK_WITH_AES_128_CCM_8", agreed)
            self.assertIn("peer " + PSK_IDENTITY, agreed)
            found = server.expect(r"^received (\S+) (.*)")
            request = bytes.fromhex(found[2])
            self.assertIn(b"temperature", request)
            server.say(f"{found[1]} {coap_answer(request, b'22.3 C').hex()}")
            client.expect("22.3 C")

    def test_a_wrong_key(self):
        with OurServer(*psk()) as server, self.client(server, key=b"another"):
            self.assertIn("key", server.failed())

    def test_an_unknown_identity(self):
        with OurServer(*psk()) as server, self.client(server, identity="another"):
            self.assertIn("identity", server.failed())


if __name__ == "__main__":
    unittest.main()
