"""Sessions resumed at the manager itself, by `openssl s_client` and `gnutls-cli`: by session id and by ticket."""

import base64
import re
import unittest

import harness
from dtls_harness import PSK, PSK_IDENTITY, PSK_SUITES
from dtls_peers import Gnutls, Openssl


class Resumption(unittest.TestCase):
    def count(self, manager, name):
        return int(re.search(rf"^dunlin_dtls_{name}_total (\d+)", manager.metrics(), re.MULTILINE)[1])

    def test_by_session_id_and_by_ticket(self):
        for peer in (Openssl, Gnutls):
            for ticket in (False, True):
                with self.subTest(f"{peer.__name__}, {ticket=}"), harness.Manager() as manager:
                    body = {"identity": PSK_IDENTITY, "key": base64.b64encode(PSK).decode()}
                    manager.call("PUT", "/api/v1/security/pilot/psk", body)
                    port = manager.coaps_port
                    with peer.resuming(port, PSK_SUITES[0], ticket):
                        harness.wait_for(
                            "a resumed handshake", lambda: self.count(manager, "handshakes_resumed") == 1
                        )
                    # With another key in place of that one the session is worth nothing.
                    body["key"] = base64.b64encode(bytes(16)).decode()
                    manager.call("PUT", "/api/v1/security/pilot/psk", body)
                    with self.assertRaises(AssertionError), peer.resuming(port, PSK_SUITES[0], ticket):
                        pass
                    self.assertEqual(self.count(manager, "handshakes_resumed"), 1)


if __name__ == "__main__":
    unittest.main()
