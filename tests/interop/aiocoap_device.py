"""An LwM2M client on aiocoap that registers and serves object 3 (Device): a foreign device for Dunlin's manager.

    python aiocoap_device.py --server coap://127.0.0.1:5683 --endpoint urn:dev:ops:1-a-1

Every thing that happens is one JSON object a line on the standard output; the standard input takes one order a line:
`set 3/0/9 42`, `update`, `deregister`.
"""

import argparse
import asyncio
import json
import sys

import aiocoap
from aiocoap import CHANGED, CONTENT, Message, resource

import payloads
from payloads import LINK_FORMAT, SENML_CBOR, TEXT, TLV

BAD_REQUEST = aiocoap.BAD_REQUEST
NOT_FOUND = aiocoap.NOT_FOUND
NOT_ALLOWED = aiocoap.METHOD_NOT_ALLOWED
NOT_ACCEPTABLE = aiocoap.NOT_ACCEPTABLE
UNSUPPORTED = aiocoap.UNSUPPORTED_CONTENT_FORMAT

# Long enough to need several blocks of 1,024 bytes.
LONG_TEXT = "".join(f"line {number} of a long description\n" for number in range(100))

VALUES = {
    (3, 0, 0): "Example Works",
    (3, 0, 1): "Foreign device",
    (3, 0, 2): "12345",
    (3, 0, 3): "1.0",
    (3, 0, 6, 0): 1,
    (3, 0, 6, 1): 5,
    (3, 0, 7, 0): 3800,
    (3, 0, 7, 1): 5000,
    (3, 0, 9): 95,
    (3, 0, 11, 0): 0,
    (3, 0, 13): 1367491215,
    (3, 0, 14): "+02:00",
    (3, 0, 15): "Europe/Lisbon",
    (3, 0, 16): "U",
    (3, 0, 17): LONG_TEXT,
}
WRITABLE = {(3, 0, 13), (3, 0, 14), (3, 0, 15)}
EXECUTABLE = {(3, 0, 4), (3, 0, 5), (3, 0, 12)}


def tell(event, **details):
    print(json.dumps({"event": event, **details}), flush=True)


def kind_of(path):
    for known, value in VALUES.items():
        if known[:3] == path[:3]:
            return type(value)
    return str


class Device(resource.Resource, aiocoap.interfaces.ObservableResource):
    """Answers the operations of LwM2M core 1.1, 6.3 and 6.4, for whatever path the request names."""

    def __init__(self):
        super().__init__()
        self.values = dict(VALUES)
        self.attributes = {}
        self.observations = {}

    def under(self, path):
        return [(known, value) for known, value in self.values.items() if known[: len(path)] == path]

    async def render(self, request):
        try:
            path = tuple(int(segment) for segment in request.opt.uri_path)
        except ValueError:
            return Message(code=NOT_FOUND)
        render = {
            aiocoap.GET: self.get,
            aiocoap.PUT: self.put,
            aiocoap.POST: self.post,
            aiocoap.DELETE: self.refuse,
        }.get(request.code, self.refuse)
        return render(path, request)

    def refuse(self, _path, _request):
        return Message(code=NOT_ALLOWED)

    def get(self, path, request):
        accept = request.opt.accept
        if path in EXECUTABLE:
            if accept == LINK_FORMAT:
                return self.discover(path)
            return Message(code=NOT_ALLOWED)
        records = self.under(path)
        if not records:
            return Message(code=NOT_FOUND)
        if accept == LINK_FORMAT:
            return self.discover(path)
        single = len(records) == 1 and records[0][0] == path
        wanted = accept if accept is not None else TEXT if single else TLV
        try:
            payload = payloads.encode(wanted, path, records)
        except payloads.Unsupported:
            return Message(code=NOT_ACCEPTABLE)
        tell("read", path=list(path), format=wanted, observe=request.opt.observe)
        return Message(code=CONTENT, payload=payload, content_format=wanted)

    def discover(self, path):
        nodes = {known[:3] for known, _ in self.under(path)} | {p for p in EXECUTABLE if p[: len(path)] == path}
        if len(path) < 3:
            nodes |= {path, (3, 0)}
        links = []
        for node in sorted(nodes):
            link = "</" + "/".join(map(str, node)) + ">"
            dimension = [known for known in self.values if len(known) == 4 and known[:3] == node]
            if dimension:
                link += f";dim={len(dimension)}"
            for name, value in self.attributes.get(node, {}).items():
                link += f";{name}={value}"
            links.append(link)
        tell("discovered", path=list(path))
        return Message(code=CONTENT, payload=",".join(links).encode(), content_format=LINK_FORMAT)

    def put(self, path, request):
        if not self.under(path):
            return Message(code=NOT_FOUND)
        if not request.payload and request.opt.uri_query and request.opt.content_format is None:
            attributes = dict(item.split("=", 1) for item in request.opt.uri_query)
            self.attributes.setdefault(path, {}).update(attributes)
            tell("attributes", path=list(path), attributes=attributes)
            return Message(code=CHANGED)
        return self.write(path, request)

    def post(self, path, request):
        if path in EXECUTABLE:
            tell("executed", path=list(path), arguments=request.payload.decode())
            return Message(code=CHANGED)
        if len(path) == 2 and self.under(path):
            return self.write(path, request)
        return Message(code=NOT_ALLOWED)

    def write(self, path, request):
        try:
            records = payloads.decode(request.opt.content_format, path, request.payload, kind_of)
        except payloads.Unsupported:
            return Message(code=UNSUPPORTED)
        except Exception:  # whatever a wrong payload makes the decoder raise
            return Message(code=BAD_REQUEST)
        if any(record[:3] not in WRITABLE for record, _ in records):
            return Message(code=NOT_ALLOWED)
        for record, value in records:
            self.change(record, value)
        tell(
            "written",
            path=list(path),
            format=request.opt.content_format,
            method=str(request.code),
            records=[[list(record), value] for record, value in records],
        )
        return Message(code=CHANGED)

    def change(self, path, value):
        self.values[path] = value
        for observation, observed in list(self.observations.items()):
            if path[: len(observed)] == observed:
                observation.trigger()

    async def add_observation(self, request, observation):
        path = tuple(int(segment) for segment in request.opt.uri_path)
        self.observations[observation] = path

        def cancelled():
            self.observations.pop(observation, None)
            tell("cancelled", path=list(path))

        observation.accept(cancelled)
        tell("observed", path=list(path))


class Registration:
    """The Register, Update and De-register requests (LwM2M core 1.1, 6.2)."""

    def __init__(self, context, arguments):
        self.context = context
        self.arguments = arguments
        self.location = None

    async def request(self, code, path, query=(), payload=b""):
        message = Message(code=code, payload=payload)
        message.set_request_uri(self.arguments.server)
        message.opt.uri_path = path
        message.opt.uri_query = query
        if payload:
            message.opt.content_format = LINK_FORMAT
        return await self.context.request(message).response

    async def register(self):
        links = ['</>;rt="oma.lwm2m";ct="0 40 112 11542"', "</1/0>", "</3/0>;ver=1.1"]
        links += [f"</3303/{number}>" for number in range(self.arguments.instances)]
        response = await self.request(
            aiocoap.POST,
            ("rd",),
            (f"ep={self.arguments.endpoint}", f"lt={self.arguments.lifetime}", "lwm2m=1.1", "b=U"),
            ",".join(links).encode(),
        )
        self.location = response.opt.location_path
        tell("registered", code=str(response.code), location=list(self.location))

    async def update(self):
        response = await self.request(aiocoap.POST, self.location)
        tell("updated", code=str(response.code))

    async def deregister(self):
        response = await self.request(aiocoap.DELETE, self.location)
        tell("deregistered", code=str(response.code))


async def orders():
    """The lines of the standard input."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield line.decode().split()


async def main(arguments):
    device = Device()
    context = await aiocoap.Context.create_server_context(device, bind=("127.0.0.1", arguments.port))
    registration = Registration(context, arguments)
    if arguments.server:
        await registration.register()
    async for order in orders():
        match order:
            case ["set", path, value]:
                path = tuple(int(part) for part in path.split("/"))
                device.change(path, kind_of(path)(value))
            case ["update"]:
                await registration.update()
            case ["deregister"]:
                await registration.deregister()
    await context.shutdown()


parser = argparse.ArgumentParser()
parser.add_argument("--server", help="coap://host:port; without it, only serves")
parser.add_argument("--endpoint", default="urn:dev:ops:32473-aiocoap-1")
parser.add_argument("--lifetime", type=int, default=60)
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--instances", type=int, default=0, help="announces so many instances of 3303")
if __name__ == "__main__":
    asyncio.run(main(parser.parse_args()))
