"""libcoap's coap-client registers, updates and leaves by hand; every wrong request gets its code."""

import re
import subprocess
import unittest

import harness

LINKS = '</>;rt="oma.lwm2m";ct="60 112",</1/0>,</3/0>;ver=1.1,</3303/0>'
REGISTER = "lt=300&lwm2m=1.1&b=U"
# A critical option (odd number) that nobody has registered.
UNKNOWN_CRITICAL = "2051,x"
UNKNOWN_ELECTIVE = "2050,x"


class Libcoap(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.manager = cls.enterClassContext(harness.Manager())

    def request(self, method, path, payload=None, options=(), content_format="link-format"):
        """The response's code and its Location-Path, read from what coap-client prints of the message."""
        command = ["coap-client-notls", "-v", "7", "-B", "10", "-m", method]
        if payload is not None:
            command += ["-e", payload, "-t", content_format]
        for option in options:
            command += ["-O", option]
        done = subprocess.run(
            [*command, self.manager.coap + path], capture_output=True, text=True, errors="replace", timeout=60
        )
        answers = [line for line in (done.stdout + done.stderr).splitlines() if re.search(r" c:[245]\.\d\d ", line)]
        self.assertTrue(answers, f"no answer to {method} {path}:\n{done.stdout}{done.stderr}")
        code = re.search(r" c:([245]\.\d\d) ", answers[-1])[1]
        return code, re.findall(r"Location-Path:([^,\] ]+)", answers[-1])

    def register(self, endpoint):
        code, location = self.request("post", f"/rd?ep={endpoint}&{REGISTER}", LINKS)
        self.assertEqual(code, "2.01")
        self.assertEqual(location[0], "rd")
        return "/" + "/".join(location)

    def test_registers_updates_and_leaves(self):
        endpoint = "urn:dev:ops:32473-libcoap-1"
        with self.manager.events() as events:
            location = self.register(endpoint)
            events.expect("registered", lambda event: event["endpoint"] == endpoint)
            detail = self.manager.device(endpoint).detail()
            self.assertEqual([node["id"] for node in detail["objects"]], [1, 3, 3303])
            self.assertEqual(detail["lifetime_seconds"], 300)

            code, _ = self.request("post", location + "?lt=600")
            self.assertEqual(code, "2.04")
            events.expect("updated", lambda event: event["endpoint"] == endpoint)
            self.assertEqual(self.manager.device(endpoint).detail()["lifetime_seconds"], 600)

            code, _ = self.request("delete", location)
            self.assertEqual(code, "2.02")
            events.expect("deregistered", lambda event: event["endpoint"] == endpoint)

    def test_an_update_with_links_changes_the_objects(self):
        endpoint = "urn:dev:ops:32473-libcoap-2"
        location = self.register(endpoint)
        code, _ = self.request("post", location, "</1/0>,</3/0>")
        self.assertEqual(code, "2.04")
        self.assertEqual([node["id"] for node in self.manager.device(endpoint).detail()["objects"]], [1, 3])

    def test_a_second_register_replaces_the_first(self):
        endpoint = "urn:dev:ops:32473-libcoap-3"
        first = self.register(endpoint)
        second = self.register(endpoint)
        self.assertNotEqual(first, second)
        self.assertEqual(self.request("post", first)[0], "4.04")
        self.assertEqual(self.request("post", second)[0], "2.04")

    def test_wrong_registers_are_refused(self):
        name = "ep=urn:dev:ops:32473-libcoap-4"
        for what, query, payload, code in [
            ("no endpoint name", REGISTER, LINKS, "4.00"),
            ("empty endpoint name", f"ep=&{REGISTER}", LINKS, "4.00"),
            ("lifetime in words", f"{name}&lt=soon&lwm2m=1.1&b=U", LINKS, "4.00"),
            ("lifetime too large", f"{name}&lt=99999999999&lwm2m=1.1&b=U", LINKS, "4.00"),
            ("unknown version", f"{name}&lt=300&lwm2m=9.7&b=U", LINKS, "4.12"),
            ("link without end", f"{name}&{REGISTER}", "</1/0>,</3/0", "4.00"),
            ("no link at all", f"{name}&{REGISTER}", "1/0 3/0", "4.00"),
        ]:
            with self.subTest(what):
                self.assertEqual(self.request("post", "/rd?" + query, payload)[0], code)
        self.assertNotIn("urn:dev:ops:32473-libcoap-4", self.manager.endpoints())

    def test_a_critical_option_that_is_unknown_is_refused_and_an_elective_one_ignored(self):
        path = f"/rd?ep=urn:dev:ops:32473-libcoap-5&{REGISTER}"
        self.assertEqual(self.request("post", path, LINKS, [UNKNOWN_CRITICAL])[0], "4.02")
        self.assertEqual(self.request("post", path, LINKS, [UNKNOWN_ELECTIVE])[0], "2.01")

    def test_unknown_registrations_and_paths_are_not_found(self):
        self.assertEqual(self.request("post", "/rd/nobody?lt=60")[0], "4.04")
        self.assertEqual(self.request("delete", "/rd/nobody")[0], "4.04")
        self.assertEqual(self.request("get", "/nowhere")[0], "4.04")

    def test_a_register_in_blocks_arrives_whole(self):
        endpoint = "urn:dev:ops:32473-libcoap-6"
        links = ",".join(["</1/0>", "</3/0>", *(f"</3303/{number}>" for number in range(60))])
        done = subprocess.run(
            ["coap-client-notls", "-v", "7", "-B", "20", "-b", "64", "-m", "post", "-t", "link-format", "-e", links]
            + [f"{self.manager.coap}/rd?ep={endpoint}&{REGISTER}"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60,
        )
        self.assertIn("c:2.31", done.stdout + done.stderr)
        self.assertIn("c:2.01", done.stdout + done.stderr)
        objects = self.manager.device(endpoint).detail()["objects"]
        self.assertEqual([len(node["instances"]) for node in objects], [1, 1, 60])


if __name__ == "__main__":
    unittest.main()
