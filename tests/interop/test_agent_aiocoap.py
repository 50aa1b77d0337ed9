"""Our agent at servers on aiocoap: `aiocoap_lwm2m_server.py`, and aiocoap's own resource directory."""

import json
import sys
import unittest

from dtls_harness import PSK, PSK_IDENTITY, credentials, port_before_a_port
from harness import DUNLIN, HERE, Program

TEXT, SENML_CBOR, TLV = 0, 112, 11542


class LwM2mServer(Program):
    """The LwM2M server on aiocoap."""

    def __init__(self, *options):
        self.port = port_before_a_port()
        super().__init__(sys.executable, HERE / "aiocoap_lwm2m_server.py", self.port, *options)

    def __enter__(self):
        try:
            self.event("ready")
        except AssertionError:
            self.__exit__(AssertionError)
            raise
        return self

    def ask(self, do, endpoint, path, **more):
        """One operation; its answer."""
        self.say(json.dumps({"do": do, "endpoint": endpoint, "path": path, **more}))
        return self.expect(lambda line: fits(line, path))


def fits(line, path):
    event = json.loads(line) if line.startswith("{") else {}
    if event.get("event") == "failed":
        raise AssertionError(line)
    return event if event.get("event") == "answered" and event["path"] == path else None


def our_agent(server, endpoint, *options):
    return Program(DUNLIN, "--json", "agent", "--server", server, "--endpoint", endpoint, *options)


class OurAgent(unittest.TestCase):
    def manage(self, server, agent, endpoint, scheme, binding="U"):
        """Everything that a server does, from the Register to the De-register."""
        registered = server.event("registered", endpoint=endpoint)
        self.assertEqual(registered["scheme"], scheme)
        self.assertEqual(registered["format"], 40)
        self.assertEqual(registered["query"].get("b", "U"), binding)
        self.assertEqual(registered["query"]["lwm2m"], "1.1")
        self.assertIn("</3/0>", registered["links"])
        self.assertIn("</3303/0>", registered["links"])
        agent.event("registered")

        for number in [TEXT, TLV, SENML_CBOR]:
            answer = server.ask("read", endpoint, "/3/0/0", format=number)
            self.assertEqual(answer["values"], {"/3/0/0": "Dunlin"})
        values = server.ask("read", endpoint, "/3", format=SENML_CBOR)["values"]
        self.assertEqual(values["/3/0/2"], endpoint)
        for number, value in [(TEXT, "Europe/Paris"), (TLV, "Europe/Athens"), (SENML_CBOR, "Europe/Lisbon")]:
            answer = server.ask("write", endpoint, "/3/0/15", format=number, value=value)
            self.assertEqual(answer["code"], "2.04")
            self.assertEqual(server.ask("read", endpoint, "/3/0/15", format=TEXT)["values"], {"/3/0/15": value})
        self.assertEqual(server.ask("read", endpoint, "/3/7", format=TEXT)["code"], "4.04")
        self.assertIn("</3/0/15>", server.ask("discover", endpoint, "/3/0")["links"])
        self.assertEqual(server.ask("execute", endpoint, "/3303/0/5605")["code"], "2.04")
        agent.event("executed")

        first = server.ask("observe", endpoint, "/3303/0/5700", format=TEXT, kind="float")
        self.assertEqual(first["code"], "2.05")
        for _ in range(3):
            self.assertIn("/3303/0/5700", server.event("notified")["values"])
        server.ask("cancel", endpoint, "/3303/0/5700")

    def leave(self, server, agent, endpoint):
        agent.process.terminate()
        server.event("deregistered", endpoint=endpoint)

    def test_over_udp(self):
        endpoint = "urn:dev:ops:32473-udp"
        with LwM2mServer() as server:
            with our_agent(f"coap://127.0.0.1:{server.port}", endpoint, "--interval", "0.2") as agent:
                self.manage(server, agent, endpoint, "coap")
                self.leave(server, agent, endpoint)

    def test_over_dtls(self):
        endpoint = "urn:dev:ops:32473-dtls"
        key = ["--psk-identity", PSK_IDENTITY, "--psk", "hex:" + PSK.hex()]
        with LwM2mServer("--psk", PSK_IDENTITY, PSK.hex()) as server:
            uri = f"coaps://127.0.0.1:{server.port + 1}"
            with our_agent(uri, endpoint, "--interval", "0.2", *key) as agent:
                self.manage(server, agent, endpoint, "coaps")
                self.leave(server, agent, endpoint)


    def test_over_tcp(self):
        endpoint = "urn:dev:ops:32473-tcp"
        with LwM2mServer() as server:
            with our_agent(f"coap+tcp://127.0.0.1:{server.port}", endpoint, "--interval", "0.2") as agent:
                self.manage(server, agent, endpoint, "coap+tcp", "T")
                self.leave(server, agent, endpoint)

    def test_over_tls(self):
        endpoint = "urn:dev:ops:32473-tls"
        keys = credentials()
        ours = ["--cert", keys.client.certificate, "--key", keys.client.private, "--ca", keys.authority.certificate]
        with LwM2mServer("--tls", keys.server.certificate, keys.server.private) as server:
            uri = f"coaps+tcp://127.0.0.1:{server.port + 1}"
            with our_agent(uri, endpoint, "--interval", "0.2", *ours) as agent:
                self.manage(server, agent, endpoint, "coaps+tcp", "T")
                self.leave(server, agent, endpoint)


class AtTheResourceDirectory(unittest.TestCase):
    """aiocoap-rd as it is, which has a mode for LwM2M: Register, Update and De-register."""

    def test_over_udp(self):
        port = port_before_a_port()
        rd = [sys.executable, "-m", "aiocoap.cli.rd", "--lwm2m-compat", "--bind", f"127.0.0.1:{port}"]
        look = [sys.executable, "-m", "aiocoap.cli.client", "-q", f"coap://127.0.0.1:{port}/endpoint-lookup/"]
        endpoint = "urn:dev:ops:32473-rd"
        udp = {"AIOCOAP_SERVER_TRANSPORT": "simplesocketserver"}
        with Program(*rd, environment=udp):
            with our_agent(f"coap://127.0.0.1:{port}", endpoint, "--lifetime", "30") as agent:
                agent.event("registered")
                with Program(*look) as client:
                    client.expect(f'ep="{endpoint}"')
                agent.process.terminate()
                agent.event("deregistered")


if __name__ == "__main__":
    unittest.main()
