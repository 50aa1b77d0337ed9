// The list of devices, live.

import { call } from "./api.js";
import { follow, show } from "./events.js";
import { durationText, keepTimes, setTime } from "./text.js";

const table = document.getElementById("devices");
const body = table.tBodies[0];
const template = document.getElementById("row").content.firstElementChild;
const { query, limit, offset } = table.dataset;

/** Rows by endpoint name. A plain object would take some names for its own. */
const rows = new Map([...body.rows].map((row) => [row.dataset.endpoint, row]));

function field(row, name) {
  return row.querySelector(`[data-field="${name}"]`);
}

function fill(row, device) {
  row.dataset.endpoint = device.endpoint;
  const state = field(row, "state");
  state.className = `state ${device.state}`;
  state.textContent = device.state;
  const link = field(row, "endpoint");
  link.textContent = device.endpoint;
  link.href = `/devices/${encodeURIComponent(device.endpoint)}`;
  field(row, "address").textContent = device.address;
  field(row, "version").textContent = device.lwm2m_version;
  field(row, "lifetime").textContent = device.lifetime_seconds === 0 ? "unlimited" : durationText(device.lifetime_seconds);
  setTime(field(row, "registered"), device.registered_at);
  setTime(field(row, "seen"), device.last_seen_at);
}

let running = false;
let wanted = false;

/** Loads the page's devices again, one request at a time. */
async function refresh() {
  if (running) {
    wanted = true;
    return;
  }
  running = true;
  try {
    const list = await call("GET", `/api/v1/devices?${new URLSearchParams({ q: query, limit, offset })}`);
    document.getElementById("total").textContent = list.total;
    document.getElementById("empty").hidden = list.devices.length > 0;
    const gone = new Set(rows.keys());
    list.devices.forEach((device, at) => {
      gone.delete(device.endpoint);
      let row = rows.get(device.endpoint);
      if (!row) {
        row = template.cloneNode(true);
        rows.set(device.endpoint, row);
      }
      fill(row, device);
      // Moving a row that is in place already would take the focus from it.
      if (body.rows[at] !== row) body.insertBefore(row, body.rows[at] ?? null);
    });
    for (const endpoint of gone) {
      rows.get(endpoint).remove();
      rows.delete(endpoint);
    }
  } catch {
    // The stream's state tells that the server is away; the list is loaded again when it is back.
  } finally {
    setTimeout(() => {
      running = false;
      if (wanted) {
        wanted = false;
        refresh();
      }
    }, 500);
  }
}

const CHANGES_LIST = new Set(["registered", "deregistered", "expired", "missed"]);

follow(null, (event) => {
  show(event, true);
  const row = rows.get(event.endpoint);
  if (row && event.type !== "expired") setTime(field(row, "seen"), event.at);
  if (CHANGES_LIST.has(event.type)) refresh();
}, refresh);

keepTimes();
