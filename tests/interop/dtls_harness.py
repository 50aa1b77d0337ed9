"""DTLS 1.2: credentials made for each run, our two examples, and the foreign programs, each as server and as client.

`cargo xtask interop` sets EXAMPLE_DTLS_CLIENT and EXAMPLE_DTLS_SERVER (the examples of dunlin-dtls), MBEDTLS_PEER and
MBEDTLS_CID_PEER (`dtls/mbedtls_peer.c`, with Debian's mbed TLS and with 3.6).
"""

import functools
import os
import re
import subprocess
import tempfile
from pathlib import Path

import harness
from harness import Program, free_port

PSK_IDENTITY = "urn:dev:os:32473-1"
PSK = bytes(range(16))
SERVER_NAME = "server.example"
CLIENT_NAME = "client.example"

# Our name of a suite, OpenSSL's, GnuTLS' cipher and mbed TLS' name.
PSK_CCM8 = "TLS_PSK_WITH_AES_128_CCM_8"
PSK_GCM = "TLS_PSK_WITH_AES_128_GCM_SHA256"
ECDHE_CCM8 = "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8"
ECDHE_GCM = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
PSK_SUITES = [PSK_CCM8, PSK_GCM]
ECDHE_SUITES = [ECDHE_CCM8, ECDHE_GCM]


def openssl(*arguments, given=None):
    done = subprocess.run(["openssl", *map(str, arguments)], input=given, capture_output=True, text=True)
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

    def self_signed(self):
        openssl(
            *("req", "-x509", "-new", "-key", self.private, "-sha256", "-days", 2, "-out", self.certificate),
            *("-subj", f"/CN={self.name}", "-addext", "keyUsage=critical,keyCertSign"),
        )
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
        self.gnutls_psk = folder / "gnutls.psk"
        self.gnutls_psk.write_text(f"{PSK_IDENTITY.replace(':', '%3A')}:{PSK.hex()}\n")
