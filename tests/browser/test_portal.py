"""A person at the portal, in headless Chromium, while the demo runs.

`cargo xtask browser` sets DUNLIN (the program); with SCREENSHOT set, also writes that picture of a device's page.
"""

import os
import re
import sys
import tempfile
import unittest
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

sys.path.insert(0, str(Path(__file__).parent.parent / "interop"))
import harness  # noqa: E402

TEMPERATURE = "/3303/0/5700"
NUMBER = re.compile(r"-?\d+(\.\d+)?")


def chromium():
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    profile = tempfile.TemporaryDirectory()
    for switch in [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1280,900",
        f"--user-data-dir={profile.name}",
    ]:
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))
    return driver, profile


class Portal(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        coap, cls.http = harness.free_port(), harness.free_port(harness.socket.SOCK_STREAM)
        cls.enterClassContext(
            harness.Program(
                harness.DUNLIN,
                "demo",
                *("--devices", "5", "--seconds", "600"),
                *("--coap", f"127.0.0.1:{coap}", "--http", f"127.0.0.1:{cls.http}"),
            )
        )
        cls.root = f"http://127.0.0.1:{cls.http}"
        cls.browser, profile = chromium()
        cls.addClassCleanup(profile.cleanup)
        cls.addClassCleanup(cls.browser.quit)
        harness.wait_for("five devices", cls.all_registered)

    @classmethod
    def all_registered(cls):
        try:
            with harness.urllib.request.urlopen(cls.root + "/api/v1/devices", timeout=5) as answer:
                return harness.json.load(answer)["total"] == 5
        except OSError:
            return False

    def wait(self, what, condition):
        return WebDriverWait(self.browser, harness.PATIENCE, ignored_exceptions=[Exception]).until(
            lambda _: condition(), message=f"waited for {what}"
        )

    def find(self, selector):
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def value(self, path):
        return self.find(f'[data-path="{path}"] [data-value]').text.strip()

    def press(self, path, action):
        button = self.find(f'[data-path="{path}"] [data-action="{action}"]')
        self.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", button)
        button.click()

    def open_first_device(self):
        """From the list, by its link; gives the endpoint name."""
        self.browser.get(self.root + "/")
        rows = self.wait("the list", lambda: self.browser.find_elements(By.CSS_SELECTOR, "[data-endpoint]"))
        self.assertEqual(len(rows), 5)
        endpoint = rows[0].get_attribute("data-endpoint")
        rows[0].find_element(By.CSS_SELECTOR, "a").click()
        self.wait("the device's page", lambda: endpoint in self.find("h1").text)
        return endpoint

    def test_reads_by_the_button(self):
        self.open_first_device()
        self.press("/3/0/0", "read")
        self.wait("the manufacturer", lambda: len(self.value("/3/0/0")) > 1)
        self.press(TEMPERATURE, "read")
        self.wait("a temperature", lambda: NUMBER.search(self.value(TEMPERATURE)))

    def observations(self, endpoint, method="GET", path=""):
        root = f"{self.root}/api/v1/devices/{harness.urllib.parse.quote(endpoint, safe='')}/observations"
        request = harness.urllib.request.Request(root + path, method=method)
        with harness.urllib.request.urlopen(request, timeout=harness.PATIENCE) as answer:
            text = answer.read()
        return [item["path"] for item in harness.json.loads(text)["observations"]] if text else None

    def test_observes_and_sees_values_change(self):
        endpoint = self.open_first_device()
        # The demo observes by itself; what the button does is to be seen alone.
        for path in self.observations(endpoint):
            self.observations(endpoint, "DELETE", path)
        self.browser.refresh()
        self.press(TEMPERATURE, "observe")
        self.wait("the observation", lambda: self.observations(endpoint) == [TEMPERATURE])
        first = self.wait("a first value", lambda: NUMBER.search(self.value(TEMPERATURE)))[0]
        second = self.wait("another value", lambda: self.number_other_than(first))
        self.wait("a third value", lambda: self.number_other_than(second))
        chart = self.find("#chart")
        self.wait("a drawn chart", lambda: chart.is_displayed() and chart.size["height"] > 50)
        if picture := os.environ.get("SCREENSHOT"):
            self.picture(picture)

    def number_other_than(self, last):
        found = NUMBER.search(self.value(TEMPERATURE))
        return found[0] if found and found[0] != last else None

    def picture(self, path):
        """A picture of the page as a person sees it, with some history in the chart."""
        seen = set()
        self.wait("some history", lambda: seen.add(self.value(TEMPERATURE)) or len(seen) > 12)
        self.browser.execute_script("window.scrollTo(0, 0)")
        # The pointer leaves the button that it pressed.
        webdriver.ActionChains(self.browser).move_to_element(self.find("h1")).perform()
        self.browser.save_screenshot(path)

    def test_a_narrow_page_does_not_scroll_sideways(self):
        self.open_first_device()
        self.browser.set_window_size(500, 800)
        self.addCleanup(self.browser.set_window_size, 1280, 900)
        self.browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": 360, "height": 720, "deviceScaleFactor": 2, "mobile": True},
        )
        self.addCleanup(self.browser.execute_cdp_cmd, "Emulation.clearDeviceMetricsOverride", {})
        width = self.browser.execute_script("return document.documentElement.scrollWidth")
        self.assertLessEqual(width, 360)

    def tearDown(self):
        errors = [entry["message"] for entry in self.browser.get_log("browser") if entry["level"] == "SEVERE"]
        self.assertEqual(errors, [], "the page's console has errors")


if __name__ == "__main__":
    unittest.main()
