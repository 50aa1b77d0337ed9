"""`openssl` and GnuTLS's programs with one face, so that one suite speaks with both.

A peer has `server` and `client`, which start its programs, and words for what they are told on the command line: `psk`,
`x509`, `suite` and so on. What only one of them can do stands in a suite of its own.
"""

import contextlib

from dtls_harness import ECDHE_SUITES, OPENSSL, PSK, PSK_IDENTITY, SERVER_NAME, credentials
from harness import Program, free_port


class Their(Program):
    """A server that is ready when it has said so."""

    def __init__(self, ready, port, *command):
        self.ready, self.port = ready, port
        super().__init__(*command)

    def __enter__(self):
        try:
            self.expect(self.ready)
        except AssertionError:
            self.__exit__(AssertionError)
            raise
        return self


class Openssl:
    """`s_server` prints what it receives and sends what it is told; so does `s_client`."""

    ALERT = "alert"
    # Without a cookie and with.
    SERVES = [[], ["-listen"]]
    NO_TICKET = ["-no_ticket"]
    ASKS = ["-Verify", 2]

    @staticmethod
    def suite(*names):
        """Suites with 64 bits of tag are below OpenSSL's default level of security."""
        return ["-cipher", ":".join(OPENSSL[name] for name in names) + ":@SECLEVEL=0"]

    @staticmethod
    def server_psk():
        return ["-psk", PSK.hex(), "-psk_identity", PSK_IDENTITY, "-nocert"]

    @staticmethod
    def client_psk(key=PSK, identity=PSK_IDENTITY):
        return ["-psk", key.hex(), "-psk_identity", identity]

    @staticmethod
    def x509(own):
        """A certificate of their own; ours has to be of the authority."""
        return [
            *("-cert", own.certificate, "-key", own.private),
            *("-CAfile", credentials().authority.certificate, "-verify_return_error"),
        ]

    server_x509 = client_x509 = x509

    @staticmethod
    def mtu(length):
        return ["-mtu", length]

    @staticmethod
    def asks_for(name):
        return ["-servername", name, "-verify_hostname", name]

    @staticmethod
    def server(*options):
        port = free_port()
        return Their("^ACCEPT", port, "openssl", "s_server", "-dtls1_2", "-accept", port, *options)

    @staticmethod
    def client(port, *options):
        return OpensslClient("openssl", "s_client", "-dtls1_2", "-connect", f"127.0.0.1:{port}", *options)

    @staticmethod
    def both_ways(server, client):
        client.say(b"22.3 C from us\n".hex())
        server.expect("^22.3 C from us$")
        server.say("22.4 C from them")
        client.expect("^received " + b"22.4 C from them\n".hex())

    @classmethod
    @contextlib.contextmanager
    def resuming(cls, port, suite, ticket=True):
        """A client that has been there before."""
        options = [*cls.client_psk(), *cls.suite(suite), *([] if ticket else cls.NO_TICKET)]
        kept = credentials().folder / "openssl.session"
        with cls.client(port, *options, "-sess_out", kept) as client:
            assert client.expect(client.AGREED)[1] == "New"
            # The order to quit, at which it keeps the session.
            client.say("Q")
            client.process.wait(30)
        with cls.client(port, *options, "-sess_in", kept) as client:
            assert client.expect(client.AGREED)[1] == "Reused"
            yield client


class OpensslClient(Program):
    AGREED = r"^(New|Reused), TLSv1\.2, Cipher is (\S+)"

    def agreed(self, suite):
        found = self.expect(self.AGREED)
        assert found.groups() == ("New", OPENSSL[suite]), found[0]

    def echo(self, text):
        self.say(text)
        self.expect(f"{text}$")


class Gnutls:
    """`gnutls-serv` is a server of lines, which it sends back."""

    ALERT = "Fatal error: A TLS fatal alert has been received"
    SERVES = [[]]
    NO_TICKET = ["--noticket"]
    ASKS = ["--require-client-cert", "--verify-client-cert"]
    # RFC 7250 for both sides.
    RAW = ":-CTYPE-ALL:+CTYPE-CLI-RAWPK:+CTYPE-SRV-RAWPK"

    @staticmethod
    def suite(name, more=""):
        """The one suite, on the one curve."""
        exchange = "ECDHE-ECDSA" if name in ECDHE_SUITES else "PSK"
        cipher = "AES-128-CCM-8" if name.endswith("CCM_8") else "AES-128-GCM"
        return [
            "--priority",
            f"NONE:+VERS-DTLS1.2:+{exchange}:+{cipher}:+AEAD:+GROUP-SECP256R1:+SIGN-ECDSA-SHA256:+COMP-NULL"
            f":+CTYPE-X509{more}",
        ]

    @staticmethod
    def server_psk():
        return ["--pskpasswd", credentials().gnutls_psk]

    @staticmethod
    def client_psk(key=PSK, identity=PSK_IDENTITY):
        return ["--pskusername", identity, "--pskkey", key.hex()]

    @staticmethod
    def x509(own):
        return [
            *("--x509keyfile", own.private, "--x509certfile", own.certificate),
            *("--x509cafile", credentials().authority.certificate),
        ]

    server_x509 = x509

    @classmethod
    def client_x509(cls, own):
        # Their name for us is an address, of which our certificate knows.
        return [*cls.x509(own), *cls.asks_for(SERVER_NAME)]

    @staticmethod
    def raw(own):
        return ["--rawpkkeyfile", own.private, "--rawpkfile", own.public]

    @staticmethod
    def mtu(length):
        return ["--mtu", length]

    @staticmethod
    def asks_for(name):
        return ["--sni-hostname", name, "--verify-hostname", name]

    @staticmethod
    def server(*options):
        port = free_port()
        ready = r"listening on IPv4 .* port \d+\.\.\.done"
        return Their(ready, port, "gnutls-serv", "--udp", "--echo", "--port", port, *options)

    @staticmethod
    def client(port, *options):
        return GnutlsClient("gnutls-cli", "--udp", "--port", port, *options, "127.0.0.1")

    @staticmethod
    def both_ways(_, client):
        line = b"22.3 C\n".hex()
        client.say(line)
        client.expect(f"^received {line}$")

    @classmethod
    @contextlib.contextmanager
    def resuming(cls, port, suite, ticket=True):
        """A client that comes twice, and is there for the second time."""
        priority = cls.suite(suite, "" if ticket else ":%NO_TICKETS")
        with cls.client(port, "--resume", *cls.client_psk(), *priority) as client:
            client.expect("This is a resumed session")
            yield client


class GnutlsClient(Program):
    def agreed(self, suite):
        """Version, certificate type, exchange and cipher."""
        description = self.expect("^- Description: (.*)")[1]
        self.expect("^- Handshake was completed")
        cipher = "AES-128-CCM-8" if suite.endswith("CCM_8") else "AES-128-GCM"
        assert f"-({cipher})" in description, description
        return description

    def echo(self, text):
        self.say(text)
        self.expect(f"^{text}$")
