"""DTLS 1.2: credentials made for each run, our two examples, and the foreign programs, each as server and as client.

`cargo xtask interop` sets EXAMPLE_DTLS_CLIENT and EXAMPLE_DTLS_SERVER (the examples of dunlin-dtls), MBEDTLS_PEER and
MBEDTLS_CID_PEER (`dtls/mbedtls_peer.c`, with Debian's mbed TLS and with 3.6).
"""

import functools
import os
import re
import socket
import subprocess
import tempfile
from pathlib import Path

from harness import Program, free_port

PSK_IDENTITY = "urn:dev:os:32473-1"
PSK = bytes(range(16))
SERVER_NAME = "server.example"
CLIENT_NAME = "client.example"

PSK_SUITES = ["TLS_PSK_WITH_AES_128_CCM_8", "TLS_PSK_WITH_AES_128_GCM_SHA256"]
ECDHE_SUITES = ["TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"]
# OpenSSL's names.
OPENSSL = dict(zip(PSK_SUITES + ECDHE_SUITES, [
    "PSK-AES128-CCM8", "PSK-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-CCM8", "ECDHE-ECDSA-AES128-GCM-SHA256",
]))  # fmt: skip


def der(path):
    """The same in DER, which our examples read."""
    return path.with_suffix(".der")


def openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"openssl {arguments}: {done.stderr}")


class Key:
    """A key on P-256 in the forms that the programs read, and a certificate for it where an authority gave one."""

    def __init__(self, folder, name):
        self.name = name
        self.private = folder / f"{name}.key.pem"
        self.public = folder / f"{name}.pub.pem"
        self.certificate = folder / f"{name}.crt.pem"
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", self.private)
        openssl("pkey", "-in", self.private, "-pubout", "-out", self.public)
        # Both in one file, the private one by itself (RFC 5915): so libcoap reads them.
        self.pair = folder / f"{name}.pair.pem"
        openssl("ec", "-in", self.private, "-out", self.pair)
        self.pair.write_text(self.public.read_text() + self.pair.read_text())
        openssl("pkey", "-in", self.private, "-outform", "DER", "-out", der(self.private))
        openssl("pkey", "-in", self.private, "-pubout", "-outform", "DER", "-out", der(self.public))

    def self_signed(self):
        openssl(
            *("req", "-x509", "-new", "-key", self.private, "-sha256", "-days", 2, "-out", self.certificate),
            *("-subj", f"/CN={self.name}", "-addext", "keyUsage=critical,keyCertSign"),
        )
        openssl("x509", "-in", self.certificate, "-outform", "DER", "-out", der(self.certificate))
        return self

    def signed_by(self, authority, *names, usage):
        request = self.certificate.with_suffix(".csr")
        extensions = self.certificate.with_suffix(".ext")
        extensions.write_text(
            f"subjectAltName={','.join(names)}\nextendedKeyUsage={usage}\n"
            "keyUsage=digitalSignature\nbasicConstraints=CA:FALSE\n"
        )
        openssl("req", "-new", "-key", self.private, "-subj", f"/CN={self.name}", "-out", request)
        openssl(
            *("x509", "-req", "-in", request, "-CA", authority.certificate, "-CAkey", authority.private),
            *("-set_serial", 1 + len(list(request.parent.glob("*.csr"))), "-sha256", "-days", 2),
            *("-out", self.certificate, "-extfile", extensions),
        )
        openssl("x509", "-in", self.certificate, "-outform", "DER", "-out", der(self.certificate))
        return self


@functools.cache
def credentials():
    """The one set of keys of this run."""
    return Credentials()


class Credentials:
    def __init__(self):
        self.kept = tempfile.TemporaryDirectory(prefix="dunlin-dtls-")
        folder = Path(self.kept.name)
        self.folder = folder
        self.authority = Key(folder, "authority").self_signed()
        self.other_authority = Key(folder, "other-authority").self_signed()
        self.server = Key(folder, "server").signed_by(
            self.authority, f"DNS:{SERVER_NAME}", "DNS:localhost", "IP:127.0.0.1", usage="serverAuth"
        )
        self.client = Key(folder, "client").signed_by(self.authority, f"DNS:{CLIENT_NAME}", usage="clientAuth")
        # Somebody whom nobody knows.
        self.stranger = Key(folder, "stranger").signed_by(
            self.other_authority, f"DNS:{SERVER_NAME}", f"DNS:{CLIENT_NAME}", usage="serverAuth,clientAuth"
        )
        self.authority_der = der(self.authority.certificate)
        self.gnutls_psk = folder / "gnutls.psk"
        # GnuTLS reads an identity with colons only in hexadecimal digits.
        self.gnutls_psk.write_text(f"#{PSK_IDENTITY.encode().hex()}:{PSK.hex()}\n")


def psk(identity=PSK_IDENTITY, key=PSK):
    """Our options for a pre-shared key."""
    return ["--psk", identity, key.hex()]


def raw(own, *trusted):
    """Our options for raw public keys."""
    options = ["--key", der(own.private), "--raw"]
    for key in trusted:
        options += ["--trust-key", der(key.public)]
    return options


def x509(own, *trusted):
    """Our options for certificates."""
    options = ["--key", der(own.private), "--certificate", der(own.certificate)]
    for key in trusted:
        options += ["--trust-certificate", der(key.certificate)]
    return options


class OurServer(Program):
    """The example `dtls_server`."""

    def __init__(self, *options):
        self.port = free_port()
        super().__init__(os.environ["EXAMPLE_DTLS_SERVER"], f"127.0.0.1:{self.port}", *options)

    def __enter__(self):
        try:
            self.expect("^listening")
        except AssertionError:
            self.__exit__(AssertionError)
            raise
        return self

    def established(self):
        """What was agreed on, in words, and with whom."""
        found = self.expect(r"^(?:established|failed) \S+ (.*)")
        if found[0].startswith("failed"):
            raise AssertionError(found[0])
        return found[1]

    def failed(self):
        return self.expect(r"^failed \S+ (.*)")[1]


class OurClient(Program):
    """The example `dtls_client`; in a hurry it gives up soon, where silence is the answer that it is to get."""

    def __init__(self, port, *options, in_a_hurry=False):
        patience = ["--timeout", 500, "--transmissions", 3 if in_a_hurry else 6]
        super().__init__(os.environ["EXAMPLE_DTLS_CLIENT"], f"127.0.0.1:{port}", *patience, *options)

    def established(self):
        found = self.expect("^(?:established|failed) (.*)")
        if found[0].startswith("failed"):
            raise AssertionError(found[0])
        return found[1]

    def failed(self):
        return self.expect("^failed (.*)")[1]

    def echo(self, text):
        """Data both ways, with a peer that answers with the same."""
        self.say(text)
        self.expect(f"^received {re.escape(text)}$")


class Mbedtls(Program):
    """`mbedtls_peer`, with Debian's mbed TLS, or with 3.6 where it has a connection id."""

    def __init__(self, role, port, options):
        program = "MBEDTLS_CID_PEER" if "cid" in options else "MBEDTLS_PEER"
        words = [f"{name}={value}" for name, value in options.items()]
        super().__init__(os.environ[program], role, f"port={port}", *words)

    established, failed, echo = OurClient.established, OurClient.failed, OurClient.echo


class MbedtlsServer(Mbedtls):
    def __init__(self, **options):
        self.port = free_port()
        super().__init__("server", self.port, options)

    def __enter__(self):
        try:
            self.expect("^listening")
        except AssertionError:
            self.__exit__(AssertionError)
            raise
        return self


class MbedtlsClient(Mbedtls):
    def __init__(self, port, **options):
        super().__init__("client", port, options)


def port_before_a_port():
    """A free port before another one: libcoap and aiocoap take for DTLS the port after that which they are told."""
    while True:
        port = free_port()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port


def coap_get(path="", message_id=0x1234):
    """A confirmable GET without token (RFC 7252 §3)."""
    options = b"".join(
        bytes([(0xB0 if first else 0x00) | len(part)]) + part.encode()
        for first, part in zip([True] + [False] * 9, filter(None, path.split("/")))
    )
    return bytes([0x40, 1]) + message_id.to_bytes(2, "big") + options


def coap_answer(request, payload):
    """2.05 to a request, in its acknowledgement."""
    length = request[0] & 0x0F
    return bytes([0x60 | length, 0x45]) + request[2 : 4 + length] + b"\xff" + payload
