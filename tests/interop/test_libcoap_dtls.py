"""libcoap's coap-client over OpenSSL and over GnuTLS: each kind of credential is let in, under its own name only."""

import base64
import pathlib
import re
import subprocess
import tempfile
import unittest

import harness

LINKS = "</1/0>,</3/0>"
KEY = "sixteen secrets!"
CLIENTS = ("coap-client-openssl", "coap-client-gnutls")


def openssl(*arguments):
    return subprocess.run(["openssl", *arguments], capture_output=True, check=True, timeout=60).stdout


class LibcoapDtls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        for name in ("server", "client", "stranger"):
            key, certificate = folder / f"{name}.key", folder / f"{name}.pem"
            openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
            openssl("req", "-x509", "-new", "-key", key, "-subj", f"/CN={name}", "-days", "2", "-out", certificate)
        cls.folder = folder
        cls.manager = cls.enterClassContext(
            harness.Manager(
                {
                    "DUNLIN_COAP_PRIVATE_KEY": str(folder / "server.key"),
                    "DUNLIN_COAP_CERTIFICATES": str(folder / "server.pem"),
                }
            )
        )
        public = openssl("pkey", "-in", folder / "client.key", "-pubout", "-outform", "DER")
        certificate = openssl("x509", "-in", folder / "client.pem", "-outform", "DER")
        for endpoint, kind, body in [
            ("pilot", "psk", {"identity": "who", "key": base64.b64encode(KEY.encode()).decode()}),
            ("raw", "rpk", {"public_key": base64.b64encode(public).decode()}),
            ("certified", "x509", {"certificate": base64.b64encode(certificate).decode()}),
        ]:
            cls.manager.call("PUT", f"/api/v1/security/{endpoint}/{kind}", body)

    def register(self, client, endpoint, *proof):
        """The code that a Register is answered with; nothing if there was no answer."""
        uri = f"{self.manager.coaps}/rd?ep={endpoint}&lt=300&lwm2m=1.1&b=U"
        command = [client, "-v", "7", "-B", "5", "-n", "-m", "post", "-e", LINKS, "-t", "40", *proof, uri]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=60)
        codes = re.findall(r" c:([245]\.\d\d) ", done.stdout + done.stderr)
        return codes[-1] if codes else None

    def test_pre_shared_keys(self):
        for client in CLIENTS:
            with self.subTest(client):
                self.assertEqual(self.register(client, "pilot", "-u", "who", "-k", KEY), "2.01")
                self.assertTrue(self.manager.call("GET", "/api/v1/devices/pilot")["secure"])
                self.assertEqual(self.register(client, "certified", "-u", "who", "-k", KEY), "4.03")
                self.assertIsNone(self.register(client, "pilot", "-u", "who", "-k", "another key of 16"))
                self.assertIsNone(self.register(client, "pilot", "-u", "stranger", "-k", KEY))

    def test_certificates(self):
        for client in CLIENTS:
            with self.subTest(client):
                self.assertEqual(self.register(client, "certified", *self.certificate("client")), "2.01")
                self.assertEqual(self.register(client, "pilot", *self.certificate("client")), "4.03")
                self.assertIsNone(self.register(client, "certified", *self.certificate("stranger")))

    def test_raw_public_keys(self):
        # OpenSSL of Debian has none.
        client = "coap-client-gnutls"
        self.assertEqual(self.register(client, "raw", "-M", self.folder / "client.key"), "2.01")
        self.assertEqual(self.register(client, "pilot", "-M", self.folder / "client.key"), "4.03")
        self.assertIsNone(self.register(client, "raw", "-M", self.folder / "stranger.key"))

    def test_a_name_with_a_credential_is_not_for_those_without(self):
        uri = f"{self.manager.coap}/rd?ep=pilot&lt=300&lwm2m=1.1&b=U"
        command = ["coap-client-notls", "-v", "7", "-B", "5", "-m", "post", "-e", LINKS, "-t", "40", uri]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=60)
        self.assertIn(" c:4.03 ", done.stdout + done.stderr)

    def certificate(self, name):
        return "-c", self.folder / f"{name}.pem", "-j", self.folder / f"{name}.key"


if __name__ == "__main__":
    unittest.main()
