"""A device written on aiocoap, with codecs of its own, under our manager: every operation in every format."""

import unittest

import harness
from aiocoap_device import LONG_TEXT

ENDPOINT = "urn:dev:ops:32473-aiocoap-1"
TEXT, SENML_CBOR, TLV = 0, 112, 11542


class Aiocoap(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.manager = cls.enterClassContext(harness.Manager())
        cls.peer = cls.enterClassContext(harness.foreign_device(cls.manager, ENDPOINT))
        cls.peer.event("registered")
        cls.device = cls.manager.device(ENDPOINT)

    def test_reads_a_resource_in_each_format(self):
        for name, number in [("text", TEXT), ("tlv", TLV), ("senml-cbor", SENML_CBOR)]:
            with self.subTest(name):
                self.assertEqual(self.device.read("/3/0/1", name), {"/3/0/1": "Foreign device"})
                self.peer.event("read", path=[3, 0, 1], format=number)

    def test_reads_numbers_and_multiple_resources_in_each_format(self):
        for name in ["tlv", "senml-cbor"]:
            with self.subTest(name):
                self.assertEqual(self.device.read("/3/0/7", name), {"/3/0/7/0": 3800, "/3/0/7/1": 5000})
                self.assertEqual(self.device.read("/3/0/11", name), {"/3/0/11/0": 0})

    def test_reads_an_instance_and_an_object_in_blocks(self):
        for path in ["/3/0", "/3"]:
            for name in ["tlv", "senml-cbor"]:
                with self.subTest(path=path, format=name):
                    values = self.device.read(path, name)
                    self.assertEqual(values["/3/0/0"], "Example Works")
                    self.assertEqual(values["/3/0/6/1"], 5)
                    # 3,390 bytes: the answer came by Block2.
                    self.assertEqual(values["/3/0/17"], LONG_TEXT)

    def test_what_was_read_is_the_last_known_value(self):
        self.device.read("/3/0/2")
        resources = self.device.detail()["objects"][1]["instances"][0]["resources"]
        serial = next(resource for resource in resources if resource["id"] == 2)
        self.assertEqual(serial["value"], "12345")

    def test_writes_a_resource_and_an_instance_in_part(self):
        self.device.write("/3/0/15", "Europe/Paris")
        written = self.peer.event("written")
        self.assertEqual(written["method"], "PUT")
        self.assertEqual(written["records"], [[[3, 0, 15], "Europe/Paris"]])
        self.assertEqual(self.device.read("/3/0/15"), {"/3/0/15": "Europe/Paris"})

        self.device.write_partial("/3/0", {"14": "+03:00", "15": "Europe/Athens"})
        written = self.peer.event("written")
        self.assertEqual(written["method"], "POST")
        self.assertEqual(sorted(written["records"]), [[[3, 0, 14], "+03:00"], [[3, 0, 15], "Europe/Athens"]])

    def test_executes_with_arguments(self):
        self.device.execute("/3/0/4")
        self.assertEqual(self.peer.event("executed"), {"event": "executed", "path": [3, 0, 4], "arguments": ""})
        self.device.execute("/3/0/12", "0='x',1")
        self.assertEqual(self.peer.event("executed")["arguments"], "0='x',1")

    def test_discovers_with_attributes(self):
        self.device.write_attributes("/3/0/9", pmin=2, pmax=30)
        self.assertEqual(self.peer.event("attributes")["attributes"], {"pmin": "2", "pmax": "30"})
        links = self.device.discover("/3/0")
        self.assertEqual(links["/3/0/9"], {"pmin": "2", "pmax": "30"})
        self.assertEqual(links["/3/0/7"]["dim"], "2")
        self.assertIn("/3/0/4", links)

    def test_observes_and_cancels(self):
        with self.manager.events() as events:
            self.device.observe("/3/0/13")
            self.peer.event("observed")
            for value in [1700000000, 1700000001]:
                self.peer.say(f"set 3/0/13 {value}")
                events.expect("notification", lambda event: holds_time(event, value))
            self.device.cancel("/3/0/13")
            self.peer.event("cancelled")

    def test_a_refusal_of_the_device_reaches_the_caller_with_its_code(self):
        for path, value, code in [("/3/0/0", "mine", "4.05"), ("/3/1/15", "x", "4.04")]:
            with self.subTest(path):
                with self.assertRaises(harness.Problem) as refused:
                    self.device.write(path, value)
                self.assertEqual(refused.exception.status, 502)
                self.assertIn(code, refused.exception.body)

    def test_registers_by_block1_updates_and_leaves(self):
        endpoint = "urn:dev:ops:32473-aiocoap-2"
        with self.manager.events() as events:
            with harness.foreign_device(self.manager, endpoint, "--instances", "150") as peer:
                peer.event("registered")
                objects = self.manager.device(endpoint).detail()["objects"]
                self.assertEqual([len(node["instances"]) for node in objects], [1, 1, 150])
                peer.say("update")
                self.assertEqual(peer.event("updated")["code"], "2.04 Changed")
                peer.say("deregister")
                self.assertEqual(peer.event("deregistered")["code"], "2.02 Deleted")
                events.expect("deregistered", lambda event: event["endpoint"] == endpoint)


def holds_time(event, value):
    """Whether a notification carries /3/0/13 as that moment: a Time is RFC 3339 in the API."""
    import datetime

    wanted = datetime.datetime.fromtimestamp(value, datetime.timezone.utc)
    for record in event["records"]:
        if record["path"] == "/3/0/13":
            got = record["value"]
            if isinstance(got, int):
                return got == value
            return datetime.datetime.fromisoformat(got.replace("Z", "+00:00")) == wanted
    return False


if __name__ == "__main__":
    unittest.main()
