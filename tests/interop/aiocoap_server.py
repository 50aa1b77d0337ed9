"""A CoAP server on aiocoap: values that can be put and observed, one that takes its time.

    python aiocoap_server.py 5683

prints `ready` once it listens.
"""

import asyncio
import sys

import aiocoap
from aiocoap import Message, resource


class Value(resource.ObservableResource):
    def __init__(self):
        super().__init__()
        self.value = b""

    async def render_get(self, request):
        return Message(payload=self.value, content_format=0)

    async def render_put(self, request):
        self.value = request.payload
        self.updated_state()
        return Message(code=aiocoap.CHANGED)


class Slow(resource.Resource):
    async def render_get(self, request):
        await asyncio.sleep(1)
        return Message(payload=b"slow")


async def main():
    site = resource.Site()
    for name in ["value", "long", "observed"]:
        site.add_resource([name], Value())
    site.add_resource(["slow"], Slow())
    await aiocoap.Context.create_server_context(site, bind=("127.0.0.1", int(sys.argv[1])))
    print("ready", flush=True)
    await asyncio.get_running_loop().create_future()


asyncio.run(main())
