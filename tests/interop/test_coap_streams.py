"""CoAP over TCP and WebSockets (RFC 8323): the client and the server of `dunlin-coap` with libcoap and aiocoap."""

import asyncio
import os
import re
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path

import aiocoap
from aiocoap import resource

import harness

LARGE = 1 << 20


def libcoap(*arguments):
    done = subprocess.run(
        ["coap-client-notls", "-B", "20", *map(str, arguments)], capture_output=True, timeout=60
    )
    return done.stdout + done.stderr


class Streams(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.large = cls.folder / "large"
        cls.large.write_bytes(os.urandom(LARGE))
        server = cls.enterClassContext(harness.Program(harness.coap_peer(), "serve", "127.0.0.1:0"))
        uris = [server.expect(r"^(coap\S+)$")[1] for _ in range(3)]
        cls.tcp = next(uri for uri in uris if uri.startswith("coap+tcp:"))
        cls.ws = next(uri for uri in uris if uri.startswith("coap+ws:"))

    def small(self, content):
        """A file with this content."""
        path = self.folder / "small"
        path.write_bytes(content)
        return path

    def ours(self, *arguments):
        """What our client prints: the code, then what follows it."""
        command = [harness.coap_peer(), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        code, _, rest = done.stdout.partition("\n")
        return code, rest.rstrip("\n")


class Libcoap(Streams):
    def test_its_client_at_our_server(self):
        self.assertEqual(libcoap(self.tcp + "/hello").strip(), b"hello")
        # In one message and in blocks of BERT: libcoap takes 8 MiB, we announce less.
        self.assertEqual(libcoap("-m", "put", "-f", self.large, self.tcp + "/store"), b"")
        back = self.folder / "back"
        libcoap("-o", back, self.tcp + "/store")
        self.assertEqual(back.read_bytes(), self.large.read_bytes())
        # In blocks of another size, because it says so.
        libcoap("-b", "512", "-o", back, self.tcp + "/store")
        self.assertEqual(back.read_bytes(), self.large.read_bytes())
        printed = libcoap("-v", "7", self.tcp + "/none").decode(errors="replace")
        self.assertRegex(printed, r" c:4\.04 ")

    def test_it_observes_our_server(self):
        self.ours("put", self.tcp + "/store", self.small(b"first"))
        with harness.Program("coap-client-notls", "-w", "-s", "10", self.tcp + "/store") as client:
            client.expect("^first$")
            self.ours("put", self.tcp + "/store", self.small(b"second"))
            client.expect("^second$")

    def test_our_client_observes_its_server(self):
        port = harness.free_port(socket.SOCK_STREAM)
        with harness.Program("coap-server-notls", "-A", "127.0.0.1", "-p", port, "-v", "7") as server:
            server.expect("created TCP")
            uri = f"coap+tcp://127.0.0.1:{port}/time"
            with harness.Program(harness.coap_peer(), "observe", uri) as client:
                for _ in range(3):
                    client.expect("^2.05 Content$")

    def test_it_pings(self):
        """A keepalive of libcoap's is answered, and the connection goes on."""
        printed = libcoap("-v", "7", "-K", "1", "-G", "3", self.tcp + "/hello").decode(errors="replace")
        self.assertEqual(len(re.findall(r" c:2\.05 ", printed)), 3, printed)
        self.assertIn(" c:Pong ", printed)

    def test_our_client_at_its_server(self):
        port = harness.free_port(socket.SOCK_STREAM)
        uri = f"coap+tcp://127.0.0.1:{port}"
        with harness.Program("coap-server-notls", "-A", "127.0.0.1", "-p", port, "-d", "10", "-v", "7") as server:
            server.expect("created TCP")
            code, text = self.ours("get", uri + "/")
            self.assertEqual(code, "2.05 Content")
            self.assertIn("libcoap", text)
            self.assertEqual(self.ours("put", uri + "/new", self.large)[0], "2.01 Created")
            server.expect(r"Block1:64/M/BERT\(65536\)")
            back = self.folder / "back"
            self.assertEqual(self.ours("get", uri + "/new", back)[0], "2.05 Content")
            self.assertEqual(back.read_bytes(), self.large.read_bytes())
            self.assertEqual(self.ours("get", uri + "/none")[0], "4.04 Not Found")


class Store(resource.Resource):
    """Keeps what is put."""

    content = b""

    async def render_get(self, request):
        return aiocoap.Message(payload=self.content)

    async def render_put(self, request):
        self.content = request.payload
        return aiocoap.Message(code=aiocoap.CHANGED)


class Aiocoap(Streams):
    def test_its_client_at_our_server(self):
        async def run():
            client = await aiocoap.Context.create_client_context(transports=["tcpclient", "ws"])
            try:
                for server in self.tcp, self.ws:
                    await self.visit(client, server)
            finally:
                await client.shutdown()

        asyncio.run(run())

    async def visit(self, client, server):
        async def ask(code, path, payload=b""):
            message = aiocoap.Message(code=code, uri=server + path, payload=payload)
            return await asyncio.wait_for(client.request(message).response, harness.PATIENCE)

        answer = await ask(aiocoap.GET, "/hello")
        self.assertEqual((str(answer.code), answer.payload), ("2.05 Content", b"hello"))
        large = self.large.read_bytes()
        answer = await ask(aiocoap.PUT, "/store", large)
        self.assertEqual(str(answer.code), "2.04 Changed")
        answer = await ask(aiocoap.GET, "/store")
        self.assertEqual(answer.payload, large)
        # Lengths around the borders of their forms.
        for length in (*range(16), *range(260, 275), 8000):
            payload = os.urandom(length)
            answer = await ask(aiocoap.POST, "/echo", payload)
            self.assertEqual(answer.payload, payload)
        # Several at once on one connection.
        answers = await asyncio.gather(*(ask(aiocoap.POST, "/echo", bytes([i])) for i in range(20)))
        self.assertEqual([answer.payload for answer in answers], [bytes([i]) for i in range(20)])

    def test_it_observes_our_server(self):
        async def run():
            client = await aiocoap.Context.create_client_context(transports=["tcpclient", "ws"])
            try:
                for server in self.tcp, self.ws:
                    async with asyncio.timeout(harness.PATIENCE):
                        await self.observe(client, server)
            finally:
                await client.shutdown()

        asyncio.run(run())

    async def observe(self, client, server):
        async def put(payload):
            message = aiocoap.Message(code=aiocoap.PUT, uri=server + "/store", payload=payload)
            await client.request(message).response_raising

        await put(b"0")
        observed = client.request(aiocoap.Message(code=aiocoap.GET, uri=server + "/store", observe=0))
        self.assertEqual((await observed.response_raising).payload, b"0")
        notifications = aiter(observed.observation)
        for payload in b"1", os.urandom(100_000), b"3":
            await put(payload)
            self.assertEqual((await anext(notifications)).payload, payload)
        observed.observation.cancel()

    def test_our_client_at_its_server(self):
        async def run():
            site = resource.Site()
            site.add_resource(["store"], Store())
            port = harness.free_port(socket.SOCK_STREAM)
            # aiocoap listens for WebSockets so much above the port that it is given.
            offset = 8683 - 5683
            bind = ("127.0.0.1", port)
            server = await aiocoap.Context.create_server_context(site, bind=bind, transports=["tcpserver"])
            ws_bind = ("127.0.0.1", harness.free_port(socket.SOCK_STREAM) % 50000 + 10000)
            ws = await aiocoap.Context.create_server_context(site, bind=ws_bind, transports=["ws"])
            try:
                await self.serve(f"coap+tcp://127.0.0.1:{port}")
                await self.serve(f"coap+ws://127.0.0.1:{ws_bind[1] + offset}")
            finally:
                await server.shutdown()
                await ws.shutdown()

        asyncio.run(run())

    async def serve(self, uri):
        back = self.folder / "back"
        put = await asyncio.to_thread(self.ours, "put", uri + "/store", self.large)
        self.assertEqual(put[0], "2.04 Changed")
        get = await asyncio.to_thread(self.ours, "get", uri + "/store", back)
        self.assertEqual(get[0], "2.05 Content")
        self.assertEqual(back.read_bytes(), self.large.read_bytes())


if __name__ == "__main__":
    unittest.main()
