"""Our CoAP server and client beside aiocoap's client and server."""

import asyncio
import sys
import unittest

import aiocoap
import harness
from aiocoap import Message


class OurServer(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(harness.CoapServer())

    async def asyncSetUp(self):
        self.context = await aiocoap.Context.create_client_context()

    async def asyncTearDown(self):
        await self.context.shutdown()

    async def ask(self, code, path, payload=b"", **options):
        request = Message(code=code, uri=self.server.coap + path, payload=payload, **options)
        return await asyncio.wait_for(self.context.request(request).response, harness.PATIENCE * 2)

    async def test_methods(self):
        path = "/store/from/aiocoap"
        self.assertEqual((await self.ask(aiocoap.GET, path)).code, aiocoap.NOT_FOUND)
        self.assertEqual((await self.ask(aiocoap.PUT, path, b"one")).code, aiocoap.CREATED)
        self.assertEqual((await self.ask(aiocoap.PUT, path, b"two")).code, aiocoap.CHANGED)
        response = await self.ask(aiocoap.GET, path)
        self.assertEqual((response.code, response.payload), (aiocoap.CONTENT, b"two"))
        self.assertEqual(response.opt.content_format, 0)
        self.assertEqual((await self.ask(aiocoap.DELETE, path)).code, aiocoap.DELETED)
        response = await self.ask(aiocoap.POST, "/store", b"new")
        self.assertEqual(response.code, aiocoap.CREATED)
        location = "/" + "/".join(response.opt.location_path)
        self.assertEqual((await self.ask(aiocoap.GET, location)).payload, b"new")

    async def test_refusals(self):
        self.assertEqual((await self.ask(aiocoap.GET, "/nothing")).code, aiocoap.NOT_FOUND)
        self.assertEqual((await self.ask(aiocoap.PUT, "/hello")).code, aiocoap.METHOD_NOT_ALLOWED)
        self.assertEqual((await self.ask(aiocoap.GET, "/hello", accept=60)).code, aiocoap.NOT_ACCEPTABLE)

    async def test_a_separate_response(self):
        response = await self.ask(aiocoap.GET, "/slow/1200")
        self.assertEqual(response.payload, b"That took a while")

    async def test_long_bodies(self):
        response = await self.ask(aiocoap.GET, "/long")
        self.assertEqual(response.payload, harness.long_body())
        body = harness.long_body(200_000)[::-1]
        self.assertEqual((await self.ask(aiocoap.PUT, "/upload", body)).code, aiocoap.CHANGED)
        found = self.server.expect(r"(\d+) bytes were uploaded, (\w+)")
        self.assertEqual((int(found[1]), found[2]), (len(body), harness.checksum(body)))

    async def test_an_observer_sees_changes(self):
        path = "/store/observed"
        await self.ask(aiocoap.PUT, path, b"before")
        request = self.context.request(Message(code=aiocoap.GET, uri=self.server.coap + path, observe=0))
        first = await asyncio.wait_for(request.response, harness.PATIENCE)
        self.assertEqual(first.payload, b"before")
        notifications = request.observation.__aiter__()
        # The last does not fit into a message.
        for value in [b"first", b"second", b"x" * 3000]:
            await self.ask(aiocoap.PUT, path, value)
            notification = await asyncio.wait_for(notifications.__anext__(), harness.PATIENCE)
            self.assertEqual(notification.payload, value)
        request.observation.cancel()


class OurClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.port = harness.free_port()
        cls.peer = cls.enterClassContext(
            harness.Program(sys.executable, harness.HERE / "aiocoap_server.py", cls.port)
        )
        cls.peer.expect("ready")
        cls.base = f"coap://127.0.0.1:{cls.port}"

    def test_methods(self):
        uri = self.base + "/value"
        self.assertEqual(harness.coap_client("put", uri, "one")[0], "2.04")
        self.assertEqual(harness.coap_client("get", uri)[3], "one")
        self.assertEqual(harness.coap_client("delete", uri)[0], "4.05")
        self.assertEqual(harness.coap_client("get", self.base + "/nothing")[0], "4.04")

    def test_a_separate_response(self):
        self.assertEqual(harness.coap_client("get", self.base + "/slow")[3], "slow")

    def test_long_bodies(self):
        body = harness.long_body(100_000)
        with harness.tempfile.NamedTemporaryFile() as file:
            file.write(body)
            file.flush()
            self.assertEqual(harness.coap_client("put", self.base + "/long", f"@{file.name}")[0], "2.04")
        code, length, checksum, _ = harness.coap_client("get", self.base + "/long")
        self.assertEqual((code, length, checksum), ("2.05", len(body), harness.checksum(body)))

    def test_observes(self):
        uri = self.base + "/observed"
        harness.coap_client("put", uri, "before")
        with harness.Program(harness.os.environ["EXAMPLE_COAP_CLIENT"], "observe", uri) as observer:
            observer.expect(r"^2\.05 .* before$")
            for value in ["first", "second"]:
                harness.coap_client("put", uri, value)
                observer.expect(rf"^2\.05 .* {value}$")


if __name__ == "__main__":
    unittest.main()
