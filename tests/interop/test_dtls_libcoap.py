"""Our DTLS below libcoap's `coap-client` and `coap-server`, on OpenSSL and on GnuTLS: CoAP over DTLS, both ways."""

import subprocess
import unittest

from dtls_harness import (
    SERVER_NAME,
    OurClient,
    OurServer,
    coap_answer,
    coap_get,
    credentials,
    port_before_a_port,
    psk,
    raw,
    x509,
)
from harness import Program

BACK_ENDS = ["openssl", "gnutls"]
# libcoap takes a key as text.
KEY = b"0123456789abcdef"
IDENTITY = "urn:dev:os:32473-1"


def their_x509(own):
    return ["-c", own.certificate, "-j", own.private, "-C", credentials().authority.certificate]


class TheirServer(Program):
    def __init__(self, back_end, *options):
        port = port_before_a_port()
        self.port = port + 1
        super().__init__(
            *("stdbuf", "-oL", f"coap-server-{back_end}", "-A", "127.0.0.1", "-p", port, "-v", "7", *options)
        )

    def __enter__(self):
        try:
            self.expect("created DTLS endpoint")
        except AssertionError:
            self.__exit__(AssertionError)
            raise
        return self


class OurClientTheirServer(unittest.TestCase):
    def get(self, client):
        client.say(coap_get(message_id=0x4242).hex())
        answer = bytes.fromhex(client.expect("^received (.*)")[1])
        self.assertEqual(answer[:4], bytes([0x60, 0x45, 0x42, 0x42]))
        self.assertIn(b"This is a test server made with libcoap", answer)

    def test_pre_shared_keys(self):
        for back_end in BACK_ENDS:
            with (
                self.subTest(back_end),
                TheirServer(back_end, "-k", KEY.decode(), "-h", "a hint") as server,
                OurClient(server.port, *psk(key=KEY), "--hex") as client,
            ):
                self.assertIn("TLS_PSK", client.established())
                self.get(client)

    def test_certificates_both_ways(self):
        keys = credentials()
        for back_end in BACK_ENDS:
            with (
                self.subTest(back_end),
                TheirServer(back_end, *their_x509(keys.server)) as server,
                OurClient(
                    server.port, *x509(keys.client), "--authority", keys.authority_der, "--name", SERVER_NAME, "--hex"
                ) as client,
            ):
                self.assertIn("TLS_ECDHE", client.established())
                self.get(client)

    def test_raw_public_keys_both_ways(self):
        # OpenSSL 3.0 has none.
        keys = credentials()
        with (
            TheirServer("gnutls", "-M", keys.server.pair) as server,
            OurClient(server.port, *raw(keys.client, keys.server), "--hex") as client,
        ):
            self.assertIn("TLS_ECDHE", client.established())
            self.get(client)

    def test_a_wrong_key(self):
        for back_end in BACK_ENDS:
            with (
                self.subTest(back_end),
                TheirServer(back_end, "-k", KEY.decode()) as server,
                OurClient(server.port, *psk(), in_a_hurry=True) as client,
            ):
                client.failed()


class TheirClientOurServer(unittest.TestCase):
    def get(self, server, back_end, *options):
        """GET /, which we answer by hand: what they print."""
        command = [f"coap-client-{back_end}", "-v", "6", "-B", "20", *options, f"coaps://127.0.0.1:{server.port}/"]
        client = subprocess.Popen(
            [str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        try:
            agreed = server.established()
            found = server.expect(r"^received (\S+) (.*)")
            request = bytes.fromhex(found[2])
            self.assertEqual(request[1], 1)
            server.say(f"{found[1]} {coap_answer(request, b'22.3 C').hex()}")
            printed, _ = client.communicate(timeout=60)
        finally:
            client.kill()
            client.wait()
        self.assertIn("22.3 C", printed)
        return agreed

    def test_pre_shared_keys(self):
        for back_end in BACK_ENDS:
            with self.subTest(back_end), OurServer(*psk(key=KEY), "--manual", "--hex") as server:
                agreed = self.get(server, back_end, "-k", KEY.decode(), "-u", IDENTITY)
                self.assertIn("TLS_PSK", agreed)
                self.assertIn("peer " + IDENTITY, agreed)

    def test_certificates_both_ways(self):
        keys = credentials()
        ours = [*x509(keys.server), "--authority", keys.authority_der]
        for back_end in BACK_ENDS:
            with self.subTest(back_end), OurServer(*ours, "--manual", "--hex") as server:
                agreed = self.get(server, back_end, *their_x509(keys.client))
                self.assertIn("peer certificate:client", agreed)

    def test_raw_public_keys_both_ways(self):
        keys = credentials()
        with OurServer(*raw(keys.server, keys.client), "--manual", "--hex") as server:
            agreed = self.get(server, "gnutls", "-M", keys.client.pair)
            self.assertIn("peer key:", agreed)

    def test_an_unknown_identity_and_a_wrong_key(self):
        for back_end in BACK_ENDS:
            for identity, key, why in [("another", KEY, "identity"), (IDENTITY, b"another", "key")]:
                with self.subTest(f"{back_end} {why}"), OurServer(*psk(key=KEY)) as server:
                    uri = f"coaps://127.0.0.1:{server.port}/"
                    client = [f"coap-client-{back_end}", "-B", "3", "-k", key.decode(), "-u", identity, uri]
                    with Program(*client):
                        self.assertIn(why, server.failed())


if __name__ == "__main__":
    unittest.main()
