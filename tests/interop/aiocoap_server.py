"""A CoAP server on aiocoap: values that can be put and observed, one that takes its time.

    python aiocoap_server.py 5683
    python aiocoap_server.py 5683 IDENTITY KEY          DTLS alone, on port 5684, with a key in hexadecimal digits

prints `ready` once it listens.
"""

import asyncio
import sys

import aiocoap
from aiocoap import Message, resource
from aiocoap.credentials import CredentialsMap


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
    options = {}
    if len(sys.argv) > 2:
        credentials = CredentialsMap()
        key = {"psk": {"hex": sys.argv[3]}, "client-identity": {"ascii": sys.argv[2]}}
        credentials.load_from_dict({":device": {"dtls": key}})
        options = {"server_credentials": credentials, "transports": ["tinydtls_server"]}
    await aiocoap.Context.create_server_context(site, bind=("127.0.0.1", int(sys.argv[1])), **options)
    print("ready", flush=True)
    await asyncio.get_running_loop().create_future()


asyncio.run(main())
