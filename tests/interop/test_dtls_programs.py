"""Our DTLS beside `openssl s_server` and `s_client`, and beside `gnutls-serv` and `gnutls-cli`: every suite, each kind of
credential that they have, resumption, what must fail."""

import unittest

from dtls_harness import (
    ECDHE_SUITES,
    PSK_IDENTITY,
    PSK_SUITES,
    SERVER_NAME,
    OurClient,
    OurServer,
    credentials,
    psk,
    raw,
    x509,
)
from dtls_peers import Gnutls, Openssl


class AtTheirServer:
    """Our client."""

    def authority(self, name=SERVER_NAME):
        return ["--authority", credentials().authority_der, "--name", name]

    def test_pre_shared_keys(self):
        for suite in PSK_SUITES:
            for serves in self.peer.SERVES:
                with (
                    self.subTest(f"{suite} {serves}"),
                    self.peer.server(*self.peer.server_psk(), *self.peer.suite(suite), *serves) as server,
                    OurClient(server.port, "--hex", *psk()) as client,
                ):
                    self.assertIn(suite, client.established())
                    self.peer.both_ways(server, client)

    def test_certificates_both_ways(self):
        keys = credentials()
        for suite in ECDHE_SUITES:
            options = [*self.peer.server_x509(keys.server), *self.peer.ASKS, *self.peer.suite(suite)]
            with (
                self.subTest(suite),
                self.peer.server(*options) as server,
                OurClient(server.port, "--hex", *x509(keys.client), *self.authority()) as client,
            ):
                self.assertIn(suite, client.established())
                self.peer.both_ways(server, client)

    def test_a_handshake_in_small_fragments(self):
        keys = credentials()
        options = [*self.peer.server_x509(keys.server), *self.peer.ASKS, *self.peer.suite(ECDHE_SUITES[0])]
        with (
            self.peer.server(*options, *self.peer.mtu(300)) as server,
            OurClient(server.port, "--hex", *x509(keys.client, keys.server), "--mtu", 200) as client,
        ):
            client.established()
            self.peer.both_ways(server, client)

    def test_resumes(self):
        # The tickets of GnuTLS have 326 bytes, which a small device has room for, too.
        for kind, options in {"session id": self.peer.NO_TICKET, "ticket": []}.items():
            with (
                self.subTest(kind),
                self.peer.server(*self.peer.server_psk(), *self.peer.suite(PSK_SUITES[0]), *options) as server,
                OurClient(server.port, "--hex", *psk()) as client,
            ):
                self.assertNotIn("resumed", client.established())
                client.say("/resume")
                self.assertIn("resumed", client.established())
                self.peer.both_ways(server, client)

    def test_a_wrong_key_and_an_unknown_identity(self):
        # OpenSSL takes any identity, so this one has another key, too.
        for wrong in [psk(key=b"another"), psk(identity="another", key=b"another")]:
            with (
                self.peer.server(*self.peer.server_psk(), *self.peer.suite(PSK_SUITES[0])) as server,
                OurClient(server.port, "--hex", *wrong, in_a_hurry=True) as client,
            ):
                client.failed()

    def test_a_certificate_of_a_foreign_authority_or_with_another_name(self):
        keys = credentials()
        for theirs, name in [(keys.stranger, SERVER_NAME), (keys.server, "other.example")]:
            with (
                self.peer.server(*self.peer.server_x509(theirs), *self.peer.suite(ECDHE_SUITES[0])) as server,
                OurClient(server.port, "--hex", *self.authority(name)) as client,
            ):
                client.failed()


class AtOurServer:
    """Their client."""

    def test_pre_shared_keys(self):
        for suite in PSK_SUITES:
            with (
                self.subTest(suite),
                OurServer(*psk()) as server,
                self.peer.client(server.port, *self.peer.client_psk(), *self.peer.suite(suite)) as client,
            ):
                agreed = server.established()
                self.assertIn(suite, agreed)
                self.assertIn("peer " + PSK_IDENTITY, agreed)
                client.agreed(suite)
                client.echo("22.3 C")

    def test_certificates_both_ways(self):
        keys = credentials()
        for suite in ECDHE_SUITES:
            options = [*self.peer.x509(keys.client), *self.peer.asks_for(SERVER_NAME), *self.peer.suite(suite)]
            with (
                self.subTest(suite),
                OurServer(*x509(keys.server), "--authority", keys.authority_der) as server,
                self.peer.client(server.port, *options) as client,
            ):
                server.expect(f"^asked for {SERVER_NAME}")
                agreed = server.established()
                self.assertIn(suite, agreed)
                self.assertIn("peer certificate:client", agreed)
                client.agreed(suite)
                client.echo("22.3 C")

    def test_a_handshake_in_small_fragments(self):
        keys = credentials()
        options = [*self.peer.client_x509(keys.client), *self.peer.suite(ECDHE_SUITES[0]), *self.peer.mtu(400)]
        with (
            OurServer(*x509(keys.server, keys.client), "--mtu", 200) as server,
            self.peer.client(server.port, *options) as client,
        ):
            server.established()
            client.agreed(ECDHE_SUITES[0])
            client.echo("22.3 C")

    def test_resumes(self):
        for kind, options in {"session id": ["--sessions"], "ticket": ["--tickets"]}.items():
            with (
                self.subTest(kind),
                OurServer(*psk(), *options) as server,
                self.peer.resuming(server.port, PSK_SUITES[0]) as client,
            ):
                self.assertNotIn("resumed", server.established())
                agreed = server.established()
                self.assertIn("resumed", agreed)
                self.assertIn("peer " + PSK_IDENTITY, agreed)
                client.echo("22.3 C")

    def test_a_wrong_key_and_an_unknown_identity(self):
        wrong = self.peer.client_psk(key=b"another")
        unknown = self.peer.client_psk(identity="another")
        for options, what in [(wrong, "key"), (unknown, "identity")]:
            with (
                self.subTest(what),
                OurServer(*psk()) as server,
                self.peer.client(server.port, *options, *self.peer.suite(PSK_SUITES[0])) as client,
            ):
                self.assertIn(what, server.failed())
                client.expect(self.peer.ALERT)

    def test_a_certificate_of_a_foreign_authority(self):
        keys = credentials()
        options = [*self.peer.client_x509(keys.stranger), *self.peer.suite(ECDHE_SUITES[0])]
        with (
            OurServer(*x509(keys.server), "--authority", keys.authority_der) as server,
            self.peer.client(server.port, *options) as client,
        ):
            server.failed()
            client.expect(self.peer.ALERT)


class AtOpensslServer(AtTheirServer, unittest.TestCase):
    peer = Openssl

    def test_a_server_with_a_certificate(self):
        keys = credentials()
        for suite in ECDHE_SUITES:
            with (
                self.subTest(suite),
                Openssl.server(*Openssl.x509(keys.server), *Openssl.suite(suite)) as server,
                OurClient(server.port, "--hex", *self.authority()) as client,
            ):
                self.assertIn(suite, client.established())
                Openssl.both_ways(server, client)

    def test_max_fragment_length(self):
        with (
            Openssl.server(*Openssl.server_psk(), *Openssl.suite(*PSK_SUITES)) as server,
            OurClient(server.port, "--hex", *psk(), "--max-fragment-length", 512) as client,
        ):
            self.assertIn("limit 512", client.established())
            Openssl.both_ways(server, client)

    def test_a_certificate_that_they_do_not_trust(self):
        keys = credentials()
        with (
            Openssl.server(*Openssl.x509(keys.server), *Openssl.ASKS, *Openssl.suite(*ECDHE_SUITES)) as server,
            OurClient(server.port, "--hex", *x509(keys.stranger, keys.server)) as client,
        ):
            self.assertIn("unknown_ca", client.failed())


class OpensslAtOurServer(AtOurServer, unittest.TestCase):
    peer = Openssl

    def test_a_server_with_a_certificate_alone_serves_no_strangers(self):
        keys = credentials()
        with (
            OurServer(*x509(keys.server, keys.client)) as server,
            Openssl.client(
                server.port, "-CAfile", keys.authority.certificate, *Openssl.suite(*ECDHE_SUITES)
            ) as client,
        ):
            server.failed()
            client.expect(Openssl.ALERT)

    def test_max_fragment_length(self):
        with (
            OurServer(*psk()) as server,
            Openssl.client(
                server.port, *Openssl.client_psk(), *Openssl.suite(PSK_SUITES[0]), "-maxfraglen", 1024
            ) as client,
        ):
            self.assertIn("limit 1024", server.established())
            client.agreed(PSK_SUITES[0])
            client.echo("22.3 C")

    def test_the_protocol_is_coap(self):
        for name, fits in [("coap", True), ("h2,coap", True), ("h2", False)]:
            with (
                self.subTest(name),
                OurServer(*psk()) as server,
                Openssl.client(
                    server.port, *Openssl.client_psk(), *Openssl.suite(PSK_SUITES[0]), "-alpn", name
                ) as client,
            ):
                if fits:
                    server.established()
                    client.expect("^ALPN protocol: coap$")
                else:
                    server.failed()
                    client.expect("no application protocol")

    def test_a_renegotiation_is_refused(self):
        with (
            OurServer(*psk()) as server,
            Openssl.client(server.port, *Openssl.client_psk(), *Openssl.suite(PSK_SUITES[0])) as client,
        ):
            server.established()
            client.agreed(PSK_SUITES[0])
            # The order to handshake again.
            client.say("R")
            client.expect("no renegotiation|RENEGOTIATING")
            client.expect("no renegotiation")


class AtGnutlsServer(AtTheirServer, unittest.TestCase):
    peer = Gnutls

    def test_raw_public_keys_both_ways(self):
        keys = credentials()
        for suite in ECDHE_SUITES:
            options = [*Gnutls.raw(keys.server), "--require-client-cert", *Gnutls.suite(suite, Gnutls.RAW)]
            with (
                self.subTest(suite),
                Gnutls.server(*options) as server,
                OurClient(server.port, *raw(keys.client, keys.server), "--hex") as client,
            ):
                self.assertIn(suite, client.established())
                Gnutls.both_ways(server, client)

    def test_our_raw_public_key_and_their_certificate(self):
        keys = credentials()
        kinds = ":-CTYPE-ALL:+CTYPE-CLI-RAWPK:+CTYPE-SRV-X509"
        options = [*Gnutls.x509(keys.server), *Gnutls.raw(keys.server), "--require-client-cert"]
        with (
            Gnutls.server(*options, *Gnutls.suite(ECDHE_SUITES[0], kinds)) as server,
            OurClient(server.port, *raw(keys.client), *self.authority(), "--hex") as client,
        ):
            client.established()
            Gnutls.both_ways(server, client)

    def test_a_raw_public_key_that_we_do_not_trust(self):
        keys = credentials()
        options = [*Gnutls.raw(keys.stranger), "--require-client-cert", *Gnutls.suite(ECDHE_SUITES[0], Gnutls.RAW)]
        with (
            Gnutls.server(*options) as server,
            OurClient(server.port, *raw(keys.client, keys.server)) as client,
        ):
            client.failed()


class GnutlsAtOurServer(AtOurServer, unittest.TestCase):
    peer = Gnutls

    def test_raw_public_keys_both_ways(self):
        keys = credentials()
        for suite in ECDHE_SUITES:
            options = [*Gnutls.raw(keys.client), "--insecure", *Gnutls.suite(suite, Gnutls.RAW)]
            with (
                self.subTest(suite),
                OurServer(*raw(keys.server, keys.client)) as server,
                Gnutls.client(server.port, *options) as client,
            ):
                agreed = server.established()
                self.assertIn(suite, agreed)
                self.assertIn("peer key:", agreed)
                self.assertIn("Raw Public Key", client.agreed(suite))
                client.echo("22.3 C")

    def test_a_raw_public_key_that_we_do_not_trust(self):
        keys = credentials()
        options = [*Gnutls.raw(keys.stranger), "--insecure", *Gnutls.suite(ECDHE_SUITES[0], Gnutls.RAW)]
        with (
            OurServer(*raw(keys.server, keys.client)) as server,
            Gnutls.client(server.port, *options) as client,
        ):
            server.failed()
            client.expect(Gnutls.ALERT)


if __name__ == "__main__":
    unittest.main()
