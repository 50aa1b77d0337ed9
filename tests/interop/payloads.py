"""LwM2M payload formats, written from the specification and apart from Dunlin's own code: a second opinion.

A tree is what a device holds: {object: {instance: {resource: value or {resource instance: value}}}}.
A record is (path, value), the path a tuple of up to four ids.
"""

import struct

import cbor2

TEXT, LINK_FORMAT, OPAQUE, SENML_CBOR, TLV = 0, 40, 42, 112, 11542


class Unsupported(Exception):
    """The format cannot carry this."""


def encode(content_format, base, records):
    """The payload of `records`, whose paths start with `base`."""
    if content_format == TLV:
        return tlv_encode(base, records)
    if content_format == SENML_CBOR:
        return senml_cbor_encode(records)
    if content_format == TEXT and len(records) == 1 and records[0][0] == base:
        return text_encode(records[0][1])
    if content_format == OPAQUE and len(records) == 1 and isinstance(records[0][1], bytes):
        return records[0][1]
    raise Unsupported(content_format)


def decode(content_format, base, payload, kinds):
    """The records of a payload sent to `base`; `kinds` gives a resource's Python type."""
    if content_format in (None, TEXT):
        return [(base, text_decode(payload, kinds(base)))]
    if content_format == OPAQUE:
        return [(base, bytes(payload))]
    if content_format == TLV:
        return tlv_decode(base, payload, kinds)
    if content_format == SENML_CBOR:
        return senml_cbor_decode(payload)
    raise Unsupported(content_format)


# Plain text (LwM2M core 1.1.1, C.2)


def text_encode(value):
    if isinstance(value, bool):
        return b"1" if value else b"0"
    return str(value).encode()


def text_decode(payload, kind):
    text = payload.decode()
    if kind is bool:
        return {"0": False, "1": True}[text]
    return kind(text)


# TLV (C.4): type byte, identifier of 1 or 2 bytes, length of 0 to 3 bytes, value

INSTANCE, RESOURCE_INSTANCE, MULTIPLE, RESOURCE = 0, 1, 2, 3


def tlv(kind, identifier, value):
    first = kind << 6
    if identifier > 0xFF:
        first |= 0x20
    name = struct.pack(">H" if identifier > 0xFF else "B", identifier)
    if len(value) < 8:
        return bytes([first | len(value)]) + name + value
    width = 1 if len(value) < 1 << 8 else 2 if len(value) < 1 << 16 else 3
    return bytes([first | width << 3]) + name + len(value).to_bytes(width, "big") + value


def tlv_value(value):
    if isinstance(value, bool):
        return bytes([value])
    if isinstance(value, int):
        for width in (1, 2, 4, 8):
            if -(1 << 8 * width - 1) <= value < 1 << 8 * width - 1:
                return value.to_bytes(width, "big", signed=True)
    if isinstance(value, float):
        return struct.pack(">d", value)
    return value if isinstance(value, bytes) else str(value).encode()


def tlv_encode(base, records):
    """Instances for /o, resources for /o/i, one resource for /o/i/r."""
    instances = {}
    for path, value in records:
        resources = instances.setdefault(path[1], {})
        if len(path) == 3:
            resources[path[2]] = tlv(RESOURCE, path[2], tlv_value(value))
        else:
            resources.setdefault(path[2], {})[path[3]] = tlv(RESOURCE_INSTANCE, path[3], tlv_value(value))
    out = b""
    for instance, resources in instances.items():
        body = b"".join(
            part if isinstance(part, bytes) else tlv(MULTIPLE, resource, b"".join(part.values()))
            for resource, part in resources.items()
        )
        out += tlv(INSTANCE, instance, body) if len(base) == 1 else body
    return out


def tlv_items(payload):
    while payload:
        first, payload = payload[0], payload[1:]
        width = 2 if first & 0x20 else 1
        identifier, payload = int.from_bytes(payload[:width], "big"), payload[width:]
        length = first & 7
        width = first >> 3 & 3
        if width:
            length, payload = int.from_bytes(payload[:width], "big"), payload[width:]
        if len(payload) < length:
            raise ValueError("TLV is cut short")
        yield first >> 6, identifier, payload[:length]
        payload = payload[length:]


def tlv_decode(base, payload, kinds):
    records = []
    for kind, identifier, value in tlv_items(payload):
        if kind == INSTANCE:
            records += tlv_decode(base[:1] + (identifier,), value, kinds)
        elif kind == MULTIPLE:
            path = base[:2] + (identifier,)
            for inner, sub, item in tlv_items(value):
                if inner != RESOURCE_INSTANCE:
                    raise ValueError("a multiple resource holds something else")
                records.append((path + (sub,), tlv_python(item, kinds(path))))
        elif kind == RESOURCE:
            path = base[:2] + (identifier,)
            records.append((path, tlv_python(value, kinds(path))))
        else:
            records.append((base[:3] + (identifier,), tlv_python(value, kinds(base[:3]))))
    return records


def tlv_python(value, kind):
    if kind is bool:
        return value != b"\0"
    if kind is int:
        return int.from_bytes(value, "big", signed=True)
    if kind is float:
        return struct.unpack(">f" if len(value) == 4 else ">d", value)[0]
    return value if kind is bytes else value.decode()


# SenML CBOR (RFC 8428, 6; LwM2M core 1.1.1, C.6)

BASE_NAME, BASE_TIME, NAME, VALUE, STRING, BOOLEAN, TIME, DATA = -2, -3, 0, 2, 3, 4, 6, 8


def senml_cbor_encode(records):
    pack = []
    for path, value in records:
        # The base name is the object instance, as most clients write it.
        record = {} if pack else {BASE_NAME: "/" + "/".join(map(str, path[:2])) + "/"}
        if not pack:
            prefix = path[:2]
        if path[:2] != prefix:
            prefix = path[:2]
            record[BASE_NAME] = "/" + "/".join(map(str, prefix)) + "/"
        record[NAME] = "/".join(map(str, path[2:]))
        record[senml_label(value)] = value
        pack.append(record)
    return cbor2.dumps(pack)


def senml_label(value):
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, (int, float)):
        return VALUE
    return DATA if isinstance(value, bytes) else STRING


def senml_cbor_decode(payload):
    base, records = "", []
    for record in cbor2.loads(payload):
        base = record.get(BASE_NAME, base)
        name = base + record.get(NAME, "")
        path = tuple(int(part) for part in name.strip("/").split("/"))
        for label in (VALUE, STRING, BOOLEAN, DATA):
            if label in record:
                records.append((path, record[label]))
                break
        else:
            records.append((path, None))
    return records
