"""npm's lwm2m-node-lib, by its own programs: its client at our manager, our agent at its server."""

import unittest

import dtls_harness
import harness


class NodeClientAtOurManager(unittest.TestCase):
    def test_registers_and_is_managed(self):
        endpoint = "urn:dev:ops:32473-node-1"
        with harness.Manager() as manager, harness.node_program("iotagent-lwm2m-client.js") as client:
            client.say("create /3/0")
            client.say("set /3/0 0 Example")
            client.say("set /3/0 15 Europe/Lisbon")
            # Its last argument is the base of the server's URL.
            client.say(f"connect 127.0.0.1 {manager.coap_port} {endpoint} /")
            client.expect("Device location: rd/")
            device = manager.device(endpoint)
            self.assertEqual([node["id"] for node in device.detail()["objects"]], [3])

            # It answers without a Content-Format, as text.
            self.assertEqual(device.read("/3/0/0"), {"/3/0/0": "Example"})
            device.write("/3/0/15", "Europe/Paris")
            # Nor does it look at the Content-Format: it shows the TLV as it came, text at the end.
            client.expect("Written value: .*Europe/Paris")
            device.execute("/3/0/4", "5")
            client.expect("Command arguments: 5")

            with manager.events() as events:
                device.observe("/3/0/0")
                client.say("set /3/0 0 Changed")
                events.expect(
                    "notification",
                    lambda event: any(record["value"] == "Changed" for record in event["records"]),
                )
                client.say("disconnect")
                events.expect("deregistered", lambda event: event["endpoint"] == endpoint)


class OurAgentAtNodeServer(unittest.TestCase):
    def manage(self, server, endpoint):
        """What its server can do, from the Register on."""
        server.expect(f"Endpoint name: {endpoint}")
        server.say("read 1 /3/0/0")
        # Whatever the simulated device calls its maker, it is not empty.
        server.expect("^Value: .+")
        server.say("write 1 /3/0/15 Europe/Paris")
        server.expect("Value written successfully")
        server.say("read 1 /3/0/15")
        server.expect("^Value: Europe/Paris$")
        server.say("discoverObj 1 3 0")
        server.expect("- /3/0/0")
        server.say("observe 1 3303 0 5700")
        server.expect("Got new value: -?[0-9.]+")

    def test_registers_and_answers(self):
        endpoint = "urn:dev:ops:32473-node-2"
        port = harness.free_port()
        with harness.node_program("iotagent-lwm2m-server.js", SERVER_PORT=port) as server:
            server.say("start")
            server.expect("Server started")
            with harness.agent(f"coap://127.0.0.1:{port}", endpoint):
                self.manage(server, endpoint)

    def test_registers_and_answers_over_dtls(self):
        """Its server has no DTLS: socat, on OpenSSL, ends it before its port, and asks the device for a certificate."""
        endpoint = "urn:dev:ops:32473-node-3"
        keys = dtls_harness.credentials()
        port, secure = harness.free_port(), harness.free_port()
        listen = [
            f"OPENSSL-DTLS-LISTEN:{secure}",
            "bind=127.0.0.1",
            f"cert={keys.server.certificate}",
            f"key={keys.server.private}",
            f"cafile={keys.authority.certificate}",
            "verify=1",
            # Those of RFC 7925 without GCM; OpenSSL counts tags of eight bytes as weak.
            "cipher=ECDHE-ECDSA-AES128-CCM8@SECLEVEL=0",
        ]
        ours = ["--cert", keys.client.certificate, "--key", keys.client.private, "--ca", keys.authority.certificate]
        with harness.node_program("iotagent-lwm2m-server.js", SERVER_PORT=port) as server:
            server.say("start")
            server.expect("Server started")
            with harness.Program("socat", "-d", "-d", ",".join(listen), f"UDP:127.0.0.1:{port}") as relay:
                relay.expect("listening on")
                with harness.agent(f"coaps://127.0.0.1:{secure}", endpoint, *ours):
                    relay.expect("ECDHE-ECDSA-AES128-CCM8")
                    self.manage(server, endpoint)


if __name__ == "__main__":
    unittest.main()
