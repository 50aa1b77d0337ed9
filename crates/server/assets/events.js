// The stream of events and its pane.

import { clock, valueText } from "./text.js";

const KINDS = [
  "registered", "updated", "deregistered", "expired", "notification", "observation_started", "observation_ended",
  "store_failing", "store_recovered", "missed",
];

const TITLES = {
  registered: "Registered",
  updated: "Updated",
  deregistered: "Left",
  expired: "Expired",
  notification: "Value",
  observation_started: "Observation started",
  observation_ended: "Observation ended",
  store_failing: "The store fails",
  store_recovered: "The store works again",
  missed: "Missed events",
};

const LONGEST_LIST = 100;

/** Follows the events: of one device, or of all. `again` is called when the stream was interrupted and is back. */
export function follow(endpoint, handle, again) {
  const live = document.getElementById("live");
  const query = endpoint === null ? "" : `?endpoint=${encodeURIComponent(endpoint)}`;
  const source = new EventSource(`/api/v1/events${query}`);
  let broken = false;
  const show = (on, text) => {
    live.hidden = false;
    live.classList.toggle("on", on);
    live.textContent = text;
  };
  show(false, "connecting");
  source.addEventListener("open", () => {
    show(true, "live");
    if (broken) again?.();
    broken = false;
  });
  source.addEventListener("error", () => {
    broken = true;
    show(false, source.readyState === EventSource.CLOSED ? "not live: load the page again" : "connecting again");
  });
  for (const kind of KINDS) {
    source.addEventListener(kind, (message) => handle(JSON.parse(message.data)));
  }
}

let waiting = [];

/** Puts an event on top of the pane, at the next frame: a large fleet has more events than a screen has frames. */
export function show(event, withEndpoint) {
  waiting.push({ event, withEndpoint });
  if (waiting.length === 1) requestAnimationFrame(showWaiting);
  if (waiting.length > 2 * LONGEST_LIST) waiting = waiting.slice(-LONGEST_LIST);
}

function showWaiting() {
  const list = document.getElementById("events");
  document.getElementById("no-events").hidden = true;
  const items = waiting.slice(-LONGEST_LIST).reverse().map(({ event, withEndpoint }) => itemOf(event, withEndpoint));
  waiting = [];
  list.prepend(...items);
  while (list.children.length > LONGEST_LIST) list.lastElementChild.remove();
}

function itemOf(event, withEndpoint) {
  const item = document.createElement("li");
  const time = item.appendChild(document.createElement("time"));
  time.className = "fixed";
  time.dateTime = event.at;
  time.textContent = clock(event.at);
  if (withEndpoint && event.endpoint) line(item, "who", event.endpoint);
  // A value speaks for itself.
  if (event.type !== "notification") line(item, "", TITLES[event.type] ?? event.type);
  for (const text of details(event)) line(item, "what", text);
  return item;
}

function line(item, name, text) {
  const span = document.createElement("span");
  if (name) span.className = name;
  span.textContent = text;
  item.append(span);
}

function details(event) {
  const records = event.records ?? [];
  if (records.length > 0) {
    const texts = records.slice(0, 3).map((record) => `${record.path} = ${valueText(record.value, record.type)}`);
    return records.length > 3 ? [...texts, `and ${records.length - 3} more`] : texts;
  }
  return [event.path, event.reason, event.count && `${event.count} events were too fast for this page`].filter(Boolean);
}
