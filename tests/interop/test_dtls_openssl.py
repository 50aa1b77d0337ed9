"""Our DTLS beside `openssl s_server` and `openssl s_client`: every suite, certificates, resumption, what must fail."""

import unittest

from dtls_harness import (
    ECDHE_SUITES,
    OPENSSL,
    PSK,
    PSK_IDENTITY,
    PSK_SUITES,
    SERVER_NAME,
    OurClient,
    OurServer,
    credentials,
    psk,
    x509,
)
from harness import Program, free_port


def their_psk(key=PSK, identity=PSK_IDENTITY):
    return ["-psk", key.hex(), "-psk_identity", identity]


def their_x509(own):
    """A certificate of their own; ours has to be of the authority."""
    return [
        *("-cert", own.certificate, "-key", own.private),
        *("-CAfile", credentials().authority.certificate, "-verify_return_error"),
    ]


def suites(*names):
    """Suites with 64 bits of tag are below OpenSSL's default level of security."""
    return ["-cipher", ":".join(OPENSSL[name] for name in names) + ":@SECLEVEL=0"]


class TheirServer(Program):
    def __init__(self, *options):
        self.port = free_port()
        super().__init__("openssl", "s_server", "-dtls1_2", "-accept", self.port, *options)

    def __enter__(self):
        try:
            self.expect("^ACCEPT")
        except AssertionError:
            self.__exit__(AssertionError)
            raise
        return self


class TheirClient(Program):
    def __init__(self, port, *options):
        super().__init__("openssl", "s_client", "-dtls1_2", "-connect", f"127.0.0.1:{port}", *options)

    def established(self):
        """New or Reused, and the suite."""
        return self.expect(r"^(New|Reused), TLSv1\.2, Cipher is (\S+)").groups()

    def echo(self, text):
        self.say(text)
        self.expect(f"{text}$")


class OurClientTheirServer(unittest.TestCase):
    def both_ways(self, server, client):
        # They print what they receive, and send the end of each line too.
        client.say(b"22.3 C from us\n".hex())
        server.expect("^22.3 C from us$")
        server.say("22.4 C from them")
        client.expect("^received " + b"22.4 C from them\n".hex())

    def test_pre_shared_keys(self):
        for suite in PSK_SUITES:
            for listen in [[], ["-listen"]]:
                with (
                    self.subTest(f"{suite} {listen}"),
                    TheirServer(*their_psk(), *suites(suite), "-nocert", *listen) as server,
                    OurClient(server.port, "--hex", *psk()) as client,
                ):
                    self.assertIn(suite, client.established())
                    self.both_ways(server, client)

    def test_a_server_with_a_certificate(self):
        keys = credentials()
        for suite in ECDHE_SUITES:
            with (
                self.subTest(suite),
                TheirServer(*their_x509(keys.server), *suites(suite)) as server,
                OurClient(server.port, "--hex", "--authority", keys.authority_der, "--name", SERVER_NAME) as client,
            ):
                self.assertIn(suite, client.established())
                self.both_ways(server, client)

    def test_certificates_both_ways(self):
        keys = credentials()
        for suite in ECDHE_SUITES:
            with (
                self.subTest(suite),
                TheirServer(*their_x509(keys.server), "-Verify", 2, *suites(suite)) as server,
                OurClient(server.port, "--hex", *x509(keys.client), "--authority", keys.authority_der) as client,
            ):
                self.assertIn(suite, client.established())
                server.expect("depth=0 CN = client")
                self.both_ways(server, client)

    def test_a_handshake_in_small_fragments(self):
        keys = credentials()
        with (
            TheirServer(*their_x509(keys.server), "-Verify", 2, *suites(*ECDHE_SUITES), "-mtu", 256) as server,
            OurClient(server.port, "--hex", *x509(keys.client, keys.server), "--mtu", 200) as client,
        ):
            client.established()
            self.both_ways(server, client)

    def test_resumes(self):
        for kind, options in {"session id": ["-no_ticket"], "ticket": []}.items():
            with (
                self.subTest(kind),
                TheirServer(*their_psk(), *suites(*PSK_SUITES), "-nocert", *options) as server,
                OurClient(server.port, "--hex", *psk()) as client,
            ):
                self.assertNotIn("resumed", client.established())
                client.say("/resume")
                self.assertIn("resumed", client.established())
                self.both_ways(server, client)

    def test_max_fragment_length(self):
        with (
            TheirServer(*their_psk(), *suites(*PSK_SUITES), "-nocert") as server,
            OurClient(server.port, "--hex", *psk(), "--max-fragment-length", 512) as client,
        ):
            self.assertIn("limit 512", client.established())
            self.both_ways(server, client)

    def test_a_wrong_key(self):
        with (
            TheirServer(*their_psk(key=b"another"), *suites(*PSK_SUITES), "-nocert") as server,
            OurClient(server.port, "--hex", *psk(), in_a_hurry=True) as client,
        ):
            client.failed()

    def test_an_unknown_identity(self):
        with (
            TheirServer(*their_psk(identity="another"), *suites(*PSK_SUITES), "-nocert") as server,
            OurClient(server.port, "--hex", *psk(key=b"another"), in_a_hurry=True) as client,
        ):
            client.failed()

    def test_a_certificate_of_a_foreign_authority(self):
        keys = credentials()
        with (
            TheirServer(*their_x509(keys.stranger), *suites(*ECDHE_SUITES)) as server,
            OurClient(server.port, "--hex", "--authority", keys.authority_der, "--name", SERVER_NAME) as client,
        ):
            client.failed()
            server.expect("alert")

    def test_a_certificate_with_another_name(self):
        keys = credentials()
        with (
            TheirServer(*their_x509(keys.server), *suites(*ECDHE_SUITES)) as server,
            OurClient(server.port, "--hex", "--authority", keys.authority_der, "--name", "other.example") as client,
        ):
            client.failed()
            server.expect("alert")

    def test_a_certificate_that_they_do_not_trust(self):
        keys = credentials()
        with (
            TheirServer(*their_x509(keys.server), "-Verify", 2, *suites(*ECDHE_SUITES)) as server,
            OurClient(server.port, "--hex", *x509(keys.stranger, keys.server)) as client,
        ):
            self.assertIn("unknown_ca", client.failed())


class TheirClientOurServer(unittest.TestCase):
    def test_pre_shared_keys(self):
        for suite in PSK_SUITES:
            with (
                self.subTest(suite),
                OurServer(*psk()) as server,
                TheirClient(server.port, *their_psk(), *suites(suite)) as client,
            ):
                agreed = server.established()
                self.assertIn(suite, agreed)
                self.assertIn("peer " + PSK_IDENTITY, agreed)
                self.assertEqual(client.established(), ("New", OPENSSL[suite]))
                client.echo("22.3 C")

    def test_a_server_with_a_certificate_alone_serves_no_strangers(self):
        keys = credentials()
        with (
            OurServer(*x509(keys.server, keys.client)) as server,
            TheirClient(server.port, "-CAfile", keys.authority.certificate, *suites(*ECDHE_SUITES)) as client,
        ):
            server.failed()
            client.expect("alert")

    def test_certificates_both_ways(self):
        keys = credentials()
        for suite in ECDHE_SUITES:
            with (
                self.subTest(suite),
                OurServer(*x509(keys.server), "--authority", keys.authority_der) as server,
                TheirClient(
                    server.port,
                    *their_x509(keys.client),
                    *("-servername", SERVER_NAME, "-verify_hostname", SERVER_NAME),
                    *suites(suite),
                ) as client,
            ):
                server.expect(f"^asked for {SERVER_NAME}")
                agreed = server.established()
                self.assertIn(suite, agreed)
                self.assertIn("peer certificate:client", agreed)
                client.established()
                client.echo("22.3 C")

    def test_a_handshake_in_small_fragments(self):
        keys = credentials()
        with (
            OurServer(*x509(keys.server, keys.client), "--mtu", 200) as server,
            TheirClient(server.port, *their_x509(keys.client), *suites(*ECDHE_SUITES), "-mtu", 400) as client,
        ):
            server.established()
            client.established()
            client.echo("22.3 C")

    def test_resumes(self):
        kept = credentials().folder / "openssl.session"
        for kind, options in {"session id": ["--sessions"], "ticket": ["--tickets"]}.items():
            with self.subTest(kind), OurServer(*psk(), *options) as server:
                ours = [*their_psk(), *suites(*PSK_SUITES)]
                with TheirClient(server.port, *ours, "-sess_out", kept) as client:
                    self.assertEqual(client.established()[0], "New")
                    client.echo("22.3 C")
                    # The order to quit, at which it keeps the session.
                    client.say("Q")
                    client.process.wait(30)
                self.assertNotIn("resumed", server.established())
                with TheirClient(server.port, *ours, "-sess_in", kept) as client:
                    self.assertEqual(client.established()[0], "Reused")
                    client.echo("22.4 C")
                    agreed = server.established()
                    self.assertIn("resumed", agreed)
                    self.assertIn("peer " + PSK_IDENTITY, agreed)

    def test_max_fragment_length(self):
        with (
            OurServer(*psk()) as server,
            TheirClient(server.port, *their_psk(), *suites(*PSK_SUITES), "-maxfraglen", 1024) as client,
        ):
            self.assertIn("limit 1024", server.established())
            client.established()
            client.echo("22.3 C")

    def test_a_renegotiation_is_refused(self):
        with OurServer(*psk()) as server, TheirClient(server.port, *their_psk(), *suites(*PSK_SUITES)) as client:
            server.established()
            client.established()
            # The order to handshake again.
            client.say("R")
            client.expect("no renegotiation|RENEGOTIATING")
            client.expect("no renegotiation")

    def test_a_wrong_key(self):
        with (
            OurServer(*psk()) as server,
            TheirClient(server.port, *their_psk(key=b"another"), *suites(*PSK_SUITES)) as client,
        ):
            self.assertIn("key", server.failed())
            client.expect("alert")

    def test_an_unknown_identity(self):
        with (
            OurServer(*psk()) as server,
            TheirClient(server.port, *their_psk(identity="another"), *suites(*PSK_SUITES)) as client,
        ):
            self.assertIn("identity", server.failed())
            client.expect("alert")

    def test_a_certificate_of_a_foreign_authority(self):
        keys = credentials()
        with (
            OurServer(*x509(keys.server), "--authority", keys.authority_der) as server,
            TheirClient(
                server.port, "-cert", keys.stranger.certificate, "-key", keys.stranger.private, *suites(*ECDHE_SUITES)
            ) as client,
        ):
            server.failed()
            client.expect("alert")


if __name__ == "__main__":
    unittest.main()
