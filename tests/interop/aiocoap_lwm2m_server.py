"""An LwM2M server on aiocoap, with codecs of its own (`payloads.py`): devices register, and standard input manages them.

    python aiocoap_lwm2m_server.py 5683                               UDP, and TCP on the same port
    python aiocoap_lwm2m_server.py 5683 --psk IDENTITY KEY            DTLS alone, on port 5684; the key in hexadecimal digits
    python aiocoap_lwm2m_server.py 5683 --tls CERTIFICATE KEY         UDP, and TLS over TCP on port 5684

A command is one line of JSON, such as `{"do": "read", "endpoint": "urn:dev:1", "path": "/3/0", "format": 112}`; all that
happens is one line of JSON each. It prints `ready` once it listens.
"""

import argparse
import asyncio
import json
import ssl
import sys

import aiocoap
from aiocoap import Message, resource
from aiocoap.credentials import CredentialsMap

import payloads


def ask_over_dtls():
    """aiocoap's DTLS server answers and does not ask: it takes its own clients for strangers. Here it knows them."""
    from aiocoap.transports.tinydtls_server import MessageInterfaceTinyDTLSServer

    async def recognize_remote(self, remote):
        return getattr(remote, "_protocol", None) is self._pool

    MessageInterfaceTinyDTLSServer.recognize_remote = recognize_remote


def tell(event, **members):
    print(json.dumps({"event": event, **members}), flush=True)


def tree(path):
    return tuple(int(part) for part in path.strip("/").split("/") if part)


class Directory(resource.Resource):
    """/rd, where a device registers (LwM2M core 1.1.1, 6.2.1); its registration is a resource of the site."""

    def __init__(self, site):
        super().__init__()
        self.site = site
        self.registrations = []

    async def render_post(self, request):
        query = parameters(request)
        place = ("rd", str(len(self.registrations)))
        registration = Registration(self.site, place, query["ep"], request.remote)
        self.registrations.append(registration)
        self.site.add_resource(place, registration)
        tell(
            "registered",
            endpoint=registration.endpoint,
            query=query,
            links=request.payload.decode(),
            format=request.opt.content_format,
            scheme=request.remote.scheme,
        )
        return Message(code=aiocoap.CREATED, location_path=place)

    def remote(self, endpoint):
        """Where the device of that name registered last."""
        return [known.remote for known in self.registrations if known.endpoint == endpoint][-1]


class Registration(resource.Resource):
    """Update and De-register (6.2.2, 6.2.3)."""

    def __init__(self, site, place, endpoint, remote):
        super().__init__()
        self.site, self.place = site, place
        self.endpoint, self.remote = endpoint, remote

    async def render_post(self, request):
        self.remote = request.remote
        tell("updated", endpoint=self.endpoint, query=parameters(request))
        return Message(code=aiocoap.CHANGED)

    async def render_delete(self, request):
        self.site.remove_resource(self.place)
        tell("deregistered", endpoint=self.endpoint)
        return Message(code=aiocoap.DELETED)


def parameters(request):
    return dict(part.partition("=")[::2] for part in request.opt.uri_query)


class Operations:
    """What a server asks of a device."""

    def __init__(self, context, directory):
        self.context = context
        self.directory = directory
        self.observations = {}

    def request(self, command, code, **options):
        path = tree(command["path"])
        message = Message(code=code, uri_path=[str(part) for part in path], **options)
        message.remote = self.directory.remote(command["endpoint"])
        return self.context.request(message)

    async def read(self, command):
        answer = await self.request(command, aiocoap.GET, accept=command["format"]).response
        return self.values(command, answer)

    async def write(self, command):
        path = tree(command["path"])
        number = command["format"]
        payload = payloads.encode(number, path, [(path, command["value"])])
        return await self.request(command, aiocoap.PUT, content_format=number, payload=payload).response, {}

    async def execute(self, command):
        return await self.request(command, aiocoap.POST).response, {}

    async def discover(self, command):
        answer = await self.request(command, aiocoap.GET, accept=40).response
        return answer, {"links": answer.payload.decode()}

    async def observe(self, command):
        request = self.request(command, aiocoap.GET, accept=command["format"], observe=0)
        self.observations[command["path"]] = request
        answer = await request.response

        def arrived(notification):
            _, values = self.values(command, notification)
            tell("notified", path=command["path"], **values)

        request.observation.register_callback(arrived)
        return self.values(command, answer)

    async def cancel(self, command):
        self.observations.pop(command["path"]).observation.cancel()
        return Message(code=aiocoap.EMPTY), {}

    def values(self, command, answer):
        if not answer.code.is_successful():
            return answer, {}
        kind = {"float": float, "int": int}.get(command.get("kind"), str)
        records = payloads.decode(answer.opt.content_format, tree(command["path"]), answer.payload, lambda _: kind)
        return answer, {"values": {"/" + "/".join(map(str, path)): value for path, value in records}}


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--psk", nargs=2)
    parser.add_argument("--tls", nargs=2)
    arguments = parser.parse_args()

    site = resource.Site()
    directory = Directory(site)
    site.add_resource(["rd"], directory)
    options = {}
    if arguments.psk:
        ask_over_dtls()
        identity, key = arguments.psk
        credentials = CredentialsMap()
        credentials.load_from_dict(
            {":device": {"dtls": {"psk": {"hex": key}, "client-identity": {"ascii": identity}}}}
        )
        options = {"server_credentials": credentials, "transports": ["tinydtls_server"]}
    elif arguments.tls:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*arguments.tls)
        context.set_alpn_protocols(["coap"])
        options = {"_ssl_context": context, "transports": ["simplesocketserver", "tlsserver"]}
    else:
        options = {"transports": ["simplesocketserver", "tcpserver"]}
    bind = ("127.0.0.1", arguments.port)
    context = await aiocoap.Context.create_server_context(site, bind=bind, **options)
    operations = Operations(context, directory)
    tell("ready")

    commands = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while line := await commands.readline():
        command = json.loads(line)
        try:
            answer, more = await asyncio.wait_for(getattr(operations, command["do"])(command), 30)
            tell("answered", code=answer.code.dotted, path=command["path"], **more)
        except Exception as error:
            tell("failed", path=command["path"], error=repr(error))


asyncio.run(main())
