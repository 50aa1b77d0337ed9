"""Our DTLS beside `gnutls-serv` and `gnutls-cli`: pre-shared keys, raw public keys (RFC 7250), certificates."""

import unittest

from dtls_harness import (
    ECDHE_SUITES,
    PSK,
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
from harness import Program, free_port

# RFC 7250 for both sides.
RAW = ":-CTYPE-ALL:+CTYPE-CLI-RAWPK:+CTYPE-SRV-RAWPK"


def priority(suite, more=""):
    """The one suite, on the one curve."""
    exchange = "ECDHE-ECDSA" if suite in ECDHE_SUITES else "PSK"
    cipher = "AES-128-CCM-8" if suite.endswith("CCM_8") else "AES-128-GCM"
    return [
        "--priority",
        f"NONE:+VERS-DTLS1.2:+{exchange}:+{cipher}:+AEAD:+GROUP-SECP256R1:+SIGN-ECDSA-SHA256:+COMP-NULL"
        f":+CTYPE-X509{more}",
    ]


def described(suite):
    """How they call it."""
    return r"-\(AES-128-CCM-8\)" if suite.endswith("CCM_8") else r"-\(AES-128-GCM\)"


def their_raw(own):
    return ["--rawpkkeyfile", own.private, "--rawpkfile", own.public]


def their_x509(own):
    return [
        *("--x509keyfile", own.private, "--x509certfile", own.certificate),
        *("--x509cafile", credentials().authority.certificate),
    ]


class TheirServer(Program):
    """Answers each record with the same bytes."""

    def __init__(self, *options):
        self.port = free_port()
        super().__init__("gnutls-serv", "--udp", "--echo", "--port", self.port, *options)

    def __enter__(self):
        try:
            self.expect(r"listening on IPv4 .* port \d+\.\.\.done")
        except AssertionError:
            self.__exit__(AssertionError)
            raise
        return self


class TheirClient(Program):
    def __init__(self, port, *options):
        super().__init__("gnutls-cli", "--udp", "--port", port, *options, "127.0.0.1")

    def established(self):
        """Version, certificate type, exchange and cipher."""
        description = self.expect("^- Description: (.*)")[1]
        self.expect("^- Handshake was completed")
        return description

    def echo(self, text):
        self.say(text)
        self.expect(f"^{text}$")


class OurClientTheirServer(unittest.TestCase):
    def echo(self, client):
        """They are a server of lines."""
        line = b"22.3 C\n".hex()
        client.say(line)
        client.expect(f"^received {line}$")

    def test_pre_shared_keys(self):
        for suite in PSK_SUITES:
            with (
                self.subTest(suite),
                TheirServer("--pskpasswd", credentials().gnutls_psk, *priority(suite)) as server,
                OurClient(server.port, *psk(), "--hex") as client,
            ):
                self.assertIn(suite, client.established())
                self.echo(client)

    def test_raw_public_keys_both_ways(self):
        keys = credentials()
        for suite in ECDHE_SUITES:
            with (
                self.subTest(suite),
                TheirServer(*their_raw(keys.server), "--require-client-cert", *priority(suite, RAW)) as server,
                OurClient(server.port, *raw(keys.client, keys.server), "--hex") as client,
            ):
                self.assertIn(suite, client.established())
                self.echo(client)

    def test_certificates_both_ways(self):
        keys = credentials()
        for suite in ECDHE_SUITES:
            with (
                self.subTest(suite),
                TheirServer(
                    *their_x509(keys.server), "--require-client-cert", "--verify-client-cert", *priority(suite)
                ) as server,
                OurClient(
                    server.port,
                    *x509(keys.client),
                    *("--authority", keys.authority_der, "--name", SERVER_NAME, "--hex"),
                ) as client,
            ):
                self.assertIn(suite, client.established())
                self.echo(client)

    def test_our_raw_public_key_and_their_certificate(self):
        keys = credentials()
        kinds = ":-CTYPE-ALL:+CTYPE-CLI-RAWPK:+CTYPE-SRV-X509"
        with (
            TheirServer(
                *their_x509(keys.server),
                *their_raw(keys.server),
                "--require-client-cert",
                *priority(ECDHE_SUITES[0], kinds),
            ) as server,
            OurClient(
                server.port, *raw(keys.client), "--authority", keys.authority_der, "--name", SERVER_NAME, "--hex"
            ) as client,
        ):
            client.established()
            self.echo(client)

    def test_a_handshake_in_small_fragments(self):
        keys = credentials()
        with (
            TheirServer(
                *their_x509(keys.server), "--require-client-cert", "--mtu", 300, *priority(ECDHE_SUITES[0])
            ) as server,
            OurClient(server.port, *x509(keys.client, keys.server), "--mtu", 200, "--hex") as client,
        ):
            client.established()
            self.echo(client)

    def test_resumes_by_session_id(self):
        with (
            TheirServer("--pskpasswd", credentials().gnutls_psk, "--noticket", *priority(PSK_SUITES[0])) as server,
            OurClient(server.port, *psk(), "--hex") as client,
        ):
            self.assertNotIn("resumed", client.established())
            client.say("/resume")
            self.assertIn("resumed", client.established())
            self.echo(client)

    def test_resumes_by_ticket(self):
        # Theirs have 326 bytes, which a small device has room for, too.
        with (
            TheirServer("--pskpasswd", credentials().gnutls_psk, *priority(PSK_SUITES[0])) as server,
            OurClient(server.port, *psk(), "--hex") as client,
        ):
            self.assertNotIn("resumed", client.established())
            client.say("/resume")
            self.assertIn("resumed", client.established())
            self.echo(client)

    def test_a_wrong_key(self):
        with (
            TheirServer("--pskpasswd", credentials().gnutls_psk, *priority(PSK_SUITES[0])) as server,
            OurClient(server.port, *psk(key=b"another"), in_a_hurry=True) as client,
        ):
            client.failed()

    def test_an_unknown_identity(self):
        with (
            TheirServer("--pskpasswd", credentials().gnutls_psk, *priority(PSK_SUITES[0])) as server,
            OurClient(server.port, *psk(identity="another"), in_a_hurry=True) as client,
        ):
            client.failed()

    def test_a_raw_public_key_that_we_do_not_trust(self):
        keys = credentials()
        with (
            TheirServer(*their_raw(keys.stranger), "--require-client-cert", *priority(ECDHE_SUITES[0], RAW)) as server,
            OurClient(server.port, *raw(keys.client, keys.server)) as client,
        ):
            client.failed()


class TheirClientOurServer(unittest.TestCase):
    def test_pre_shared_keys(self):
        for suite in PSK_SUITES:
            with (
                self.subTest(suite),
                OurServer(*psk()) as server,
                TheirClient(
                    server.port, "--pskusername", PSK_IDENTITY, "--pskkey", PSK.hex(), *priority(suite)
                ) as client,
            ):
                agreed = server.established()
                self.assertIn(suite, agreed)
                self.assertIn("peer " + PSK_IDENTITY, agreed)
                self.assertRegex(client.established(), described(suite))
                client.echo("22.3 C")

    def test_raw_public_keys_both_ways(self):
        keys = credentials()
        for suite in ECDHE_SUITES:
            with (
                self.subTest(suite),
                OurServer(*raw(keys.server, keys.client)) as server,
                TheirClient(
                    server.port, *their_raw(keys.client), "--insecure", *priority(suite, RAW)
                ) as client,
            ):
                agreed = server.established()
                self.assertIn(suite, agreed)
                self.assertIn("peer key:", agreed)
                self.assertIn("Raw Public Key", client.established())
                client.echo("22.3 C")

    def test_certificates_both_ways(self):
        keys = credentials()
        for suite in ECDHE_SUITES:
            with (
                self.subTest(suite),
                OurServer(*x509(keys.server), "--authority", keys.authority_der) as server,
                TheirClient(
                    server.port,
                    *their_x509(keys.client),
                    *("--sni-hostname", SERVER_NAME, "--verify-hostname", SERVER_NAME),
                    *priority(suite),
                ) as client,
            ):
                server.expect(f"^asked for {SERVER_NAME}")
                self.assertIn("peer certificate:client", server.established())
                client.expect("The certificate is trusted")
                client.established()
                client.echo("22.3 C")

    def test_a_handshake_in_small_fragments(self):
        keys = credentials()
        with (
            OurServer(*x509(keys.server, keys.client), "--mtu", 200) as server,
            TheirClient(
                server.port, *their_x509(keys.client), "--insecure", "--mtu", 300, *priority(ECDHE_SUITES[0])
            ) as client,
        ):
            server.established()
            client.established()
            client.echo("22.3 C")

    def test_resumes(self):
        for kind, options in {"session id": ["--sessions"], "ticket": ["--tickets"]}.items():
            with (
                self.subTest(kind),
                OurServer(*psk(), *options) as server,
                TheirClient(
                    server.port,
                    *("--resume", "--pskusername", PSK_IDENTITY, "--pskkey", PSK.hex()),
                    *priority(PSK_SUITES[0]),
                ) as client,
            ):
                self.assertNotIn("resumed", server.established())
                agreed = server.established()
                self.assertIn("resumed", agreed)
                self.assertIn("peer " + PSK_IDENTITY, agreed)
                client.expect("This is a resumed session")
                client.echo("22.3 C")

    def test_a_wrong_key(self):
        with (
            OurServer(*psk()) as server,
            TheirClient(
                server.port, "--pskusername", PSK_IDENTITY, "--pskkey", b"another".hex(), *priority(PSK_SUITES[0])
            ) as client,
        ):
            self.assertIn("key", server.failed())
            client.expect("Fatal error: A TLS fatal alert has been received")

    def test_an_unknown_identity(self):
        with (
            OurServer(*psk()) as server,
            TheirClient(
                server.port, "--pskusername", "another", "--pskkey", PSK.hex(), *priority(PSK_SUITES[0])
            ) as client,
        ):
            self.assertIn("identity", server.failed())
            client.expect("Fatal error: A TLS fatal alert has been received")

    def test_a_raw_public_key_that_we_do_not_trust(self):
        keys = credentials()
        with (
            OurServer(*raw(keys.server, keys.client)) as server,
            TheirClient(
                server.port, *their_raw(keys.stranger), "--insecure", *priority(ECDHE_SUITES[0], RAW)
            ) as client,
        ):
            server.failed()
            client.expect("Fatal error: A TLS fatal alert has been received")


if __name__ == "__main__":
    unittest.main()
