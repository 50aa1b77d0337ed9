"""tshark dissects the traffic of our manager and agents and finds nothing malformed.

The exchange covers text, TLV, SenML CBOR, link format, Block1, Block2 and notifications, in both directions.
"""

import struct
import subprocess
import tempfile
import unittest
from pathlib import Path

import harness

# What must be in the capture, or the check would pass on an empty one: a message's payload by tshark's protocol and
# media type, and the kinds of its messages.
PAYLOADS = [
    ("data-text-lines", "text/plain; charset=utf-8"),
    ("lwm2mtlv", "application/vnd.oma.lwm2m+tlv"),
    ("cbor", "application/senml+cbor"),
]
MESSAGES = {
    "a link format": "coap.opt.ctype == \"application/link-format\"",
    "a second block of a request": "coap.code == 2 && coap.opt.block_number == 1",
    "a second block of a response": "coap.code == 69 && coap.opt.block_number == 1",
    "a notification": "coap.code == 69 && coap.opt.observe",
}
FAULTS = '_ws.malformed || _ws.expert.severity == "Error" || _ws.expert.severity == "Warning" || !coap'


class Tshark(unittest.TestCase):
    def test_dissects_our_traffic(self):
        with tempfile.TemporaryDirectory() as folder:
            capture = Path(folder) / "loopback.pcapng"
            with harness.Manager() as manager:
                port = manager.coap_port
                tshark = ["tshark", "-i", "lo", "-f", f"udp port {port}", "-w", str(capture), "-q"]
                with harness.Program(*tshark) as capturing:
                    # It is ready when the file with the interface's description is there.
                    capturing.expect("Capturing on")
                    harness.wait_for("tshark's file", lambda: capture.exists() and capture.stat().st_size > 0)
                    packets = self.exchange(manager)
                    # Until the last packets are in the file.
                    harness.wait_for("the last packets", lambda: len(dissect(capture, port).splitlines()) >= packets)
            self.check(capture, port)

    def exchange(self, manager):
        """Traffic of each kind; returns how many packets it takes at the very least."""
        endpoint, foreign = "urn:dev:ops:32473-agent-1", "urn:dev:ops:32473-aiocoap-3"
        with manager.events() as events, harness.agent(manager.coap, endpoint):
            device = manager.device(endpoint)
            for path, formats in {"/3/0/0": ["text", "tlv", "senml-cbor"], "/3/0": ["tlv", "senml-cbor"]}.items():
                for content_format in formats:
                    self.assertTrue(device.read(path, content_format))
            self.assertTrue(device.read("/3303/0/5700", "tlv"))
            device.discover("/3")
            device.write("/3/0/15", "Europe/Lisbon")
            device.write_attributes("/3303/0/5700", pmin=0, pmax=1)
            device.observe("/3303/0/5700")
            for _ in range(2):
                events.expect("notification", lambda event: event["endpoint"] == endpoint)
            device.cancel("/3303/0/5700")
            # A device that needs several blocks both ways.
            with harness.foreign_device(manager, foreign, "--instances", "150") as peer:
                peer.event("registered")
                self.assertIn("/3/0/17", manager.device(foreign).read("/3/0", "senml-cbor"))
        return 40

    def check(self, capture, port):
        self.assertEqual(dissect(capture, port, "-V", "-Y", FAULTS), "")
        frames = dissect(capture, port, "-T", "fields", "-e", "frame.protocols", "-e", "coap.opt.ctype")
        seen = {tuple(line.split("\t")) for line in frames.splitlines()}
        for protocol, media_type in PAYLOADS:
            self.assertTrue(
                any(chain.endswith(":" + protocol) and types == media_type for chain, types in seen),
                f"no {media_type} was dissected as {protocol}: {sorted(seen)}",
            )
        for what, condition in MESSAGES.items():
            self.assertTrue(dissect(capture, port, "-Y", condition), f"{what} was not captured")

    def test_would_see_a_fault(self):
        tlv = b"\x60\x45\x00\x01\xc2\x2d\x16\xff"  # ACK 2.05, content format 11542
        cbor = b"\x60\x45\x00\x01\xc1\x70\xff"  # content format 112
        for what, message, faulty in [
            ("a whole TLV", tlv + b"\xc1\x09\x5f", False),
            ("a TLV longer than the message", tlv + b"\xc4\x09\x5f", True),
            ("a whole SenML CBOR pack", cbor + b"\x81\xa1\x02\x05", False),
            ("a CBOR array without its items", cbor + b"\x82\xa1\x02\x05", True),
            ("an option longer than the message", b"\x40\x01\x00\x01\xbd\x40", True),
        ]:
            with self.subTest(what), tempfile.TemporaryDirectory() as folder:
                capture = Path(folder) / "one.pcap"
                capture.write_bytes(one_packet(message, 5683))
                self.assertEqual(dissect(capture, 5683, "-Y", FAULTS) != "", faulty)


def dissect(capture, port, *arguments):
    """What tshark prints of a capture."""
    done = subprocess.run(
        ["tshark", "-r", str(capture), "-d", f"udp.port=={port},coap", *arguments],
        capture_output=True,
        text=True,
        errors="replace",
    )
    # While the file is still written, its last packet may be cut, which is no fault of ours.
    if done.returncode != 0 and "cut short" not in done.stderr:
        raise AssertionError(done.stderr)
    return done.stdout


def one_packet(message, port):
    """A capture file (pcap, raw IP) with one UDP datagram."""
    udp = struct.pack(">HHHH", port, 40000, 8 + len(message), 0) + message
    ip = struct.pack(">BBHHHBBH4B4B", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, 127, 0, 0, 1, 127, 0, 0, 1) + udp
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101) + struct.pack("<IIII", 0, 0, len(ip), len(ip)) + ip


if __name__ == "__main__":
    unittest.main()
