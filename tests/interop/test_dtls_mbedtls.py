"""Our DTLS beside mbed TLS: every suite, certificates, fragments, resumption, connection ids, and what must fail."""

import unittest

from dtls_harness import (
    ECDHE_SUITES,
    PSK,
    PSK_IDENTITY,
    PSK_SUITES,
    SERVER_NAME,
    MbedtlsClient,
    MbedtlsServer,
    OurClient,
    OurServer,
    credentials,
    psk,
    x509,
)


def theirs(suite):
    """mbed TLS' name of a suite."""
    return suite.replace("_", "-")


def their_psk(key=PSK, identity=PSK_IDENTITY):
    return {"psk": key.hex(), "identity": identity}


def their_x509(own):
    """A certificate of their own; ours has to be of the authority."""
    return {"cert": own.certificate, "key": own.private, "ca": credentials().authority.certificate}


class OurClientTheirServer(unittest.TestCase):
    def test_pre_shared_keys(self):
        for suite in PSK_SUITES:
            with (
                self.subTest(suite),
                MbedtlsServer(**their_psk(), suite=theirs(suite)) as server,
                OurClient(server.port, *psk()) as client,
            ):
                self.assertIn(suite, client.established())
                self.assertIn(theirs(suite), server.established())
                client.echo("22.3 C")
                client.echo("x" * 1000)
                client.say("/close")
                server.expect("^closed")

    def test_certificates_both_ways(self):
        keys = credentials()
        for suite in ECDHE_SUITES:
            with (
                self.subTest(suite),
                MbedtlsServer(**their_x509(keys.server), suite=theirs(suite)) as server,
                OurClient(server.port, *x509(keys.client, keys.server), "--name", SERVER_NAME) as client,
            ):
                self.assertIn(suite, client.established())
                client.echo("22.3 C")

    def test_a_handshake_in_small_fragments(self):
        keys = credentials()
        with (
            MbedtlsServer(**their_x509(keys.server), mtu=160) as server,
            OurClient(server.port, *x509(keys.client, keys.server), "--mtu", 200) as client,
        ):
            client.established()
            client.echo("22.3 C")

    def test_max_fragment_length(self):
        with (
            MbedtlsServer(**their_psk()) as server,
            OurClient(server.port, *psk(), "--max-fragment-length", 512) as client,
        ):
            self.assertIn("limit 512", client.established())
            self.assertIn("fragment 512", server.established())
            client.echo("x" * 512)
            client.say("x" * 513)
            client.expect("^unsent .*512")

    def test_resumes_by_session_id(self):
        with MbedtlsServer(**their_psk()) as server, OurClient(server.port, *psk()) as client:
            self.assertNotIn("resumed", client.established())
            client.say("/resume")
            self.assertIn("resumed", client.established())
            client.echo("22.3 C")

    def test_resumes_by_ticket(self):
        # A ticket of theirs has the client's certificate in it, if there is one, and would be too long to keep.
        keys = credentials()
        certificate = {"cert": keys.server.certificate, "key": keys.server.private}
        for options, ours in [
            (their_psk(), psk()),
            (certificate, ["--authority", keys.authority_der, "--name", SERVER_NAME]),
        ]:
            with (
                self.subTest(ours[0]),
                MbedtlsServer(**options, tickets=1) as server,
                OurClient(server.port, *ours) as client,
            ):
                self.assertNotIn("resumed", client.established())
                client.say("/resume")
                self.assertIn("resumed", client.established())
                client.echo("22.3 C")

    def test_connection_ids(self):
        for own, other in [("0102030405", "aabb"), ("", "aabb"), ("0102030405", "")]:
            for suite in PSK_SUITES:
                with (
                    self.subTest(f"{own} {other} {suite}"),
                    MbedtlsServer(**their_psk(), suite=theirs(suite), cid=own) as server,
                    OurClient(server.port, *psk(), "--cid", other) as client,
                ):
                    agreed = client.established()
                    self.assertEqual("cid " + own in agreed, bool(own), agreed)
                    agreed = server.established()
                    self.assertIn("cid " + other, agreed)
                    client.echo("22.3 C")
                    if own:
                        client.say("/rebind")
                        client.echo("22.4 C")

    def test_a_peer_without_connection_ids(self):
        with MbedtlsServer(**their_psk()) as server, OurClient(server.port, *psk(), "--cid", "aabb") as client:
            self.assertNotIn("cid", client.established())
            client.echo("22.3 C")

    def test_a_wrong_key(self):
        with (
            MbedtlsServer(**their_psk(key=b"another")) as server,
            OurClient(server.port, *psk(), in_a_hurry=True) as client,
        ):
            client.failed()

    def test_an_unknown_identity(self):
        with (
            MbedtlsServer(**their_psk(identity="another")) as server,
            OurClient(server.port, *psk(), in_a_hurry=True) as client,
        ):
            client.failed()
            server.failed()

    def test_a_certificate_that_we_do_not_trust(self):
        keys = credentials()
        with (
            MbedtlsServer(**their_x509(keys.stranger)) as server,
            OurClient(server.port, *x509(keys.client, keys.server)) as client,
        ):
            client.failed()
            server.failed()

    def test_a_certificate_that_they_do_not_trust(self):
        keys = credentials()
        with (
            MbedtlsServer(**their_x509(keys.server)) as server,
            OurClient(server.port, *x509(keys.stranger, keys.server)) as client,
        ):
            client.failed()
            server.failed()

    def test_without_extended_master_secret_only_if_allowed(self):
        with MbedtlsServer(**their_psk(), ems=0) as server:
            with OurClient(server.port, *psk()) as client:
                client.failed()
                server.failed()
            with OurClient(server.port, *psk(), "--any-master-secret") as client:
                client.established()
                client.echo("22.3 C")

    def test_no_suite_in_common(self):
        ccm8, gcm = PSK_SUITES
        with (
            MbedtlsServer(**their_psk(), suite=theirs(ccm8)) as server,
            OurClient(server.port, *psk(), "--suite", gcm) as client,
        ):
            client.failed()
            server.failed()


class TheirClientOurServer(unittest.TestCase):
    def test_pre_shared_keys(self):
        for suite in PSK_SUITES:
            with (
                self.subTest(suite),
                OurServer(*psk()) as server,
                MbedtlsClient(server.port, **their_psk(), suite=theirs(suite)) as client,
            ):
                self.assertIn(theirs(suite), client.established())
                agreed = server.established()
                self.assertIn(suite, agreed)
                self.assertIn("peer " + PSK_IDENTITY, agreed)
                client.echo("22.3 C")
                client.echo("x" * 1000)
                client.say("/close")
                server.expect("^closed")

    def test_certificates_both_ways(self):
        keys = credentials()
        for suite in ECDHE_SUITES:
            with (
                self.subTest(suite),
                OurServer(*x509(keys.server, keys.client)) as server,
                MbedtlsClient(server.port, **their_x509(keys.client), suite=theirs(suite), sni=SERVER_NAME) as client,
            ):
                server.expect(f"^asked for {SERVER_NAME}")
                self.assertIn(theirs(suite), client.established())
                self.assertIn("peer certificate:client", server.established())
                client.echo("22.3 C")

    def test_a_handshake_in_small_fragments(self):
        keys = credentials()
        with (
            OurServer(*x509(keys.server, keys.client), "--mtu", 200) as server,
            MbedtlsClient(
                server.port, **their_x509(keys.client), suite=theirs(ECDHE_SUITES[0]), sni=SERVER_NAME, mtu=200
            ) as client,
        ):
            client.established()
            client.echo("22.3 C")

    def test_max_fragment_length(self):
        with OurServer(*psk()) as server, MbedtlsClient(server.port, **their_psk(), mfl=1024) as client:
            self.assertIn("fragment 1024", client.established())
            self.assertIn("limit 1024", server.established())
            client.echo("x" * 1024)

    def test_resumes_by_session_id(self):
        with OurServer(*psk(), "--sessions") as server, MbedtlsClient(server.port, **their_psk()) as client:
            self.assertNotIn("resumed", client.established())
            self.assertNotIn("resumed", server.established())
            client.say("/resume")
            self.assertIn("resumed", client.established())
            agreed = server.established()
            self.assertIn("resumed", agreed)
            self.assertIn("peer " + PSK_IDENTITY, agreed)
            client.echo("22.3 C")

    def test_resumes_by_ticket(self):
        keys = credentials()
        for credential in ["psk", "x509"]:
            ours = psk() if credential == "psk" else x509(keys.server, keys.client)
            options = their_psk() if credential == "psk" else their_x509(keys.client) | {"sni": SERVER_NAME}
            with (
                self.subTest(credential),
                OurServer(*ours, "--tickets") as server,
                MbedtlsClient(server.port, **options, tickets=1) as client,
            ):
                self.assertNotIn("resumed", client.established())
                first = server.established()
                client.say("/resume")
                self.assertIn("resumed", client.established())
                again = server.established()
                self.assertEqual(again.replace(" resumed", ""), first)
                client.echo("22.3 C")

    def test_does_not_resume_what_it_does_not_keep(self):
        with OurServer(*psk()) as server, MbedtlsClient(server.port, **their_psk(), tickets=1) as client:
            client.established()
            client.say("/resume")
            self.assertNotIn("resumed", client.established())
            client.echo("22.3 C")

    def test_connection_ids(self):
        for own, other in [(4, "aabb"), (0, "aabb"), (8, "")]:
            for suite in PSK_SUITES:
                with (
                    self.subTest(f"{own} {other} {suite}"),
                    OurServer(*psk(), "--cid", own) as server,
                    MbedtlsClient(server.port, **their_psk(), suite=theirs(suite), cid=other) as client,
                ):
                    self.assertRegex(client.established(), f" cid [0-9a-f]{{{2 * own}}} ")
                    agreed = server.established()
                    self.assertEqual("cid " + other in agreed, bool(other), agreed)
                    client.echo("22.3 C")
                    if own:
                        client.say("/rebind")
                        client.echo("22.4 C")
                        server.expect("^moved")
                        client.echo("22.5 C")

    def test_a_wrong_key(self):
        with OurServer(*psk()) as server, MbedtlsClient(server.port, **their_psk(key=b"another")) as client:
            self.assertIn("key", server.failed())
            client.failed()

    def test_an_unknown_identity(self):
        with OurServer(*psk()) as server, MbedtlsClient(server.port, **their_psk(identity="another")) as client:
            self.assertIn("identity", server.failed())
            client.failed()

    def test_a_certificate_that_we_do_not_trust(self):
        keys = credentials()
        with (
            OurServer(*x509(keys.server, keys.client)) as server,
            MbedtlsClient(server.port, **their_x509(keys.stranger), sni=SERVER_NAME) as client,
        ):
            server.failed()
            client.failed()

    def test_a_client_without_certificate(self):
        keys = credentials()
        with (
            OurServer(*x509(keys.server, keys.client)) as server,
            MbedtlsClient(server.port, ca=keys.authority.certificate, sni=SERVER_NAME) as client,
        ):
            server.failed()
            client.failed()

    def test_without_extended_master_secret(self):
        with OurServer(*psk()) as server, MbedtlsClient(server.port, **their_psk(), ems=0) as client:
            server.failed()
            client.failed()


if __name__ == "__main__":
    unittest.main()
