// The page of one device: commands by buttons, values as they arrive.

import { call } from "./api.js";
import { Series, draw } from "./chart.js";
import { follow, show } from "./events.js";
import { keepTimes, setTime, valueText } from "./text.js";

const page = document.getElementById("device");
const { endpoint, api } = page.dataset;

/** The rows of resources and the heads of objects and instances, by path. */
const nodes = new Map([...page.querySelectorAll("[data-path]")].map((node) => [node.dataset.path, node]));

// --- results and forms -------------------------------------------------------------------------------------------------

function tell(node, kind, text) {
  const result = node.querySelector("[data-result]");
  result.className = `result ${kind}`.trim();
  result.replaceChildren(text);
  result.hidden = false;
}

function quiet(node) {
  node.querySelector("[data-result]").hidden = true;
}

/** Runs a command of a node: one at a time, with its result in the node. */
async function run(node, button, doing, command) {
  button.disabled = true;
  tell(node, "", doing);
  try {
    const text = await command();
    if (text) tell(node, "good", text);
    else quiet(node);
    return true;
  } catch (failure) {
    tell(node, "bad", failure.message);
    return false;
  } finally {
    button.disabled = false;
  }
}

/** Opens a form below a node; a form of the same action that is open already closes. */
function ask(node, action, button, fields, submitText, send) {
  const place = node.querySelector(".forms");
  const open = place.firstElementChild;
  place.replaceChildren();
  button.removeAttribute("aria-expanded");
  if (open?.dataset.action === action) return;

  const form = document.createElement("form");
  form.dataset.action = action;
  form.append(...fields);
  const submit = document.createElement("button");
  submit.className = "primary";
  submit.dataset.submit = action;
  submit.textContent = submitText;
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "Close";
  const end = () => {
    place.replaceChildren();
    button.removeAttribute("aria-expanded");
    button.focus();
  };
  close.addEventListener("click", end);
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") end();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (await send(form, submit)) end();
  });
  form.append(submit, close);
  place.append(form);
  button.setAttribute("aria-expanded", "true");
  (form.querySelector("input, select") ?? submit).focus();
}

let fieldCount = 0;

/** A labelled input for a value of a type. */
function field(text, type, value, required) {
  fieldCount += 1;
  const label = document.createElement("label");
  label.htmlFor = `field-${fieldCount}`;
  label.textContent = text;
  let input;
  if (type === "boolean") {
    input = document.createElement("select");
    for (const choice of required ? ["true", "false"] : ["", "true", "false"]) input.append(new Option(choice, choice));
    if (value !== undefined) input.value = String(value);
  } else {
    input = document.createElement("input");
    input.type = "text";
    input.autocomplete = "off";
    if (["integer", "unsigned", "float", "time"].includes(type)) input.inputMode = type === "float" ? "decimal" : "numeric";
    if (value !== undefined && value !== null) input.value = String(value);
  }
  input.id = label.htmlFor;
  input.dataset.type = type;
  input.required = required && type !== "string";
  return [label, input];
}

const HINTS = { opaque: " (base64)", time: " (seconds since 1970)", objlnk: " (object:instance)", corelnk: " (links)" };

/** The JSON text of what an input holds. What is not a number goes as text, so that the server can say what is wrong. */
function json(input) {
  const text = input.value.trim();
  const type = input.dataset.type;
  if (["integer", "unsigned", "time"].includes(type) && /^-?(0|[1-9]\d*)$/.test(text)) return text;
  if (type === "float" && text !== "" && Number.isFinite(Number(text))) return String(Number(text));
  if (type === "boolean") return text;
  return JSON.stringify(["string", "corelnk", ""].includes(type) ? input.value : text);
}

// --- values ------------------------------------------------------------------------------------------------------------

const series = new Map();
const picker = document.getElementById("series");
const chart = document.getElementById("chart");

/** The row of a resource or resource instance. */
function rowOf(path) {
  return nodes.get(path) ?? nodes.get(path.slice(0, path.lastIndexOf("/")));
}

/** Shows a value that arrived; says whether there is a row for it. */
function put(record, at) {
  const row = rowOf(record.path);
  const span = row?.querySelector("[data-value]");
  if (!span) return record.type === "none";
  const text = valueText(record.value, record.type);
  if (row.dataset.path === record.path) {
    span.textContent = text;
    span.dataset.raw = JSON.stringify(record.value);
  } else {
    putInstance(span, record.path.split("/").pop(), text);
  }
  row.classList.remove("unknown", "minor", "absent");
  setTime(row.querySelector('[data-field="updated"]'), at);
  span.classList.add("fresh");
  setTimeout(() => span.classList.remove("fresh"), 150);
  return true;
}

function putInstance(span, id, text) {
  let item = [...span.children].find((item) => item.dataset.instance === id);
  if (!item) {
    item = document.createElement("span");
    item.className = "item";
    item.dataset.instance = id;
    const after = [...span.children].find((other) => Number(other.dataset.instance) > Number(id));
    span.insertBefore(item, after ?? null);
  }
  const name = document.createElement("span");
  name.className = "id";
  name.textContent = id;
  item.replaceChildren(name, ` ${text}`);
}

/** Shows the values of an answer; the values of `path` that are not in it are gone. */
function putAll(path, records, at) {
  const row = nodes.get(path);
  if (row?.dataset.multiple !== undefined) row.querySelector("[data-value]")?.replaceChildren();
  return records.filter((record) => !put(record, at)).length;
}

function isNumber(record) {
  return ["integer", "unsigned", "float"].includes(record.type) && typeof record.value === "number";
}

/** Adds a value to its series. */
function plot(record, at) {
  if (!isNumber(record)) return;
  let known = series.get(record.path);
  if (!known) {
    const row = rowOf(record.path);
    known = new Series(record.path, row?.dataset.name ?? "Value", row?.dataset.units ?? "");
    series.set(record.path, known);
    picker.append(new Option(known.title, record.path));
    picker.hidden = series.size < 2;
  }
  known.add(Date.parse(at), record.value);
  if (picker.value === record.path) draw(chart, known);
}

function choose(path) {
  if (!series.has(path)) return;
  picker.value = path;
  draw(chart, series.get(path));
}

picker.addEventListener("change", () => choose(picker.value));

// The chart is drawn for one width.
let drawnWidth = chart.clientWidth;
new ResizeObserver(() => {
  if (chart.clientWidth === drawnWidth) return;
  drawnWidth = chart.clientWidth;
  choose(picker.value);
}).observe(chart);

/** Starts the series of an observed path with what the page knows. */
function plotKnown(path) {
  for (const [at, row] of nodes) {
    const span = row.querySelector(":scope > .value > [data-value]");
    const time = row.querySelector('[data-field="updated"]')?.dateTime;
    if ((at === path || at.startsWith(`${path}/`)) && span?.dataset.raw && time) {
      plot({ path: at, type: row.dataset.type, value: JSON.parse(span.dataset.raw) }, time);
    }
  }
}

// --- observations ------------------------------------------------------------------------------------------------------

const observed = document.getElementById("observations");

function setObserved(path, on) {
  const node = nodes.get(path);
  const observe = node?.querySelector(".actions [data-action='observe']");
  if (observe) {
    observe.textContent = on ? "Observing" : "Observe";
    if (on) observe.setAttribute("aria-pressed", "true");
    else observe.removeAttribute("aria-pressed");
    const stop = node.querySelector(".actions [data-action='cancel']");
    if (!on && document.activeElement === stop) observe.focus();
    stop.hidden = !on;
  }
  const item = [...observed.children].find((item) => item.dataset.observed === path);
  if (on && !item) {
    const item = document.createElement("li");
    item.dataset.observed = path;
    item.className = "id";
    item.textContent = path;
    observed.append(item);
  } else if (on) {
    item.querySelector(".hint")?.remove();
  } else {
    item?.remove();
  }
  document.getElementById("no-observations").hidden = observed.children.length > 0;
}

// --- commands ----------------------------------------------------------------------------------------------------------

const COMMANDS = {
  read(node, button) {
    const { path, level } = node.dataset;
    run(node, button, "Reading…", async () => {
      const answer = await call("GET", `${api}/resources${path}`);
      const unseen = putAll(path, answer.records, answer.read_at);
      if (unseen > 0) return reload(`${answer.records.length} values read; ${unseen} of them have no row yet.`);
      if (answer.records.length === 0) return "There is nothing.";
      return level === "resource" ? null : `${answer.records.length} values read.`;
    });
  },

  write(node, button) {
    const { path, type, units } = node.dataset;
    const raw = node.querySelector("[data-value]")?.dataset.raw;
    const known = raw === undefined ? undefined : JSON.parse(raw);
    const label = `New value${HINTS[type] ?? (units ? ` in ${units}` : "")}`;
    ask(node, "write", button, field(label, type, known, true), "Write", (form, submit) => {
      const text = json(form.querySelector("input, select"));
      return run(node, submit, "Writing…", async () => {
        await call("PUT", `${api}/resources${path}`, `{"value":${text}}`);
        if (node.querySelector("[data-value]")) put({ path, type, value: JSON.parse(text) }, new Date().toISOString());
        return "Written.";
      });
    });
  },

  execute(node, button) {
    const { path, name } = node.dataset;
    ask(node, "execute", button, field("Arguments, if any", "string", "", false), `Execute ${name}`, (form, submit) => {
      const text = form.querySelector("input").value.trim();
      return run(node, submit, "Executing…", async () => {
        await call("POST", `${api}/execute${path}`, text ? { arguments: text } : undefined);
        return "Executed.";
      });
    });
  },

  observe(node, button) {
    const { path } = node.dataset;
    if (button.getAttribute("aria-pressed") === "true") {
      choose([...series.keys()].find((known) => known === path || known.startsWith(`${path}/`)));
      return;
    }
    run(node, button, "Starting the observation…", async () => {
      plotKnown(path);
      const answer = await call("PUT", `${api}/observations${path}`);
      const now = new Date().toISOString();
      putAll(path, answer.records, now);
      for (const record of answer.records) plot(record, now);
      setObserved(path, true);
      choose(answer.records.find((record) => series.has(record.path))?.path);
      return "Observed: new values come by themselves.";
    });
  },

  cancel(node, button) {
    const { path } = node.dataset;
    run(node, button, "Stopping the observation…", async () => {
      await call("DELETE", `${api}/observations${path}`);
      setObserved(path, false);
      return null;
    });
  },

  discover(node, button) {
    const { path } = node.dataset;
    run(node, button, "Asking what there is…", async () => {
      const { links } = await call("GET", `${api}/discover${path}`);
      const found = new Set(links.map((link) => link.path));
      const resources = [...found].filter((path) => path.split("/").length === 4);
      for (const [at, row] of nodes) {
        if (resources.length > 0 && row.dataset.level === "resource" && at.startsWith(`${path}/`)) {
          row.classList.toggle("absent", !found.has(at));
        }
      }
      const list = document.createElement("ul");
      for (const link of links) {
        const attributes = Object.entries(link.attributes).map(([name, value]) => (value === "" ? name : `${name}=${value}`));
        const item = list.appendChild(document.createElement("li"));
        item.className = "id";
        item.textContent = [link.path, ...attributes].join(" ");
      }
      return list;
    });
  },

  create(node, button) {
    const { path } = node.dataset;
    const fields = field("Instance id, or empty for the device's choice", "unsigned", "", false);
    for (const row of writableRows(path)) {
      const { name, type } = row.dataset;
      const [label, input] = field(`${name}${HINTS[type] ?? ""}`, type, undefined, false);
      input.dataset.resource = row.dataset.path.split("/").pop();
      fields.push(label, input);
    }
    ask(node, "create", button, fields, "Create", (form, submit) => {
      const [id, ...values] = form.querySelectorAll("input, select");
      const records = values
        .filter((input) => input.value !== "")
        .map((input) => `{"path":${JSON.stringify(input.dataset.resource)},"value":${json(input)}}`);
      const instance = id.value.trim() === "" ? "" : `"instance":${json(id)},`;
      return run(node, submit, "Creating…", async () => {
        const created = await call("POST", `${api}/resources${path}`, `{${instance}"records":[${records}]}`);
        return reload(`Created ${created.path}.`);
      });
    });
  },

  delete(node, button) {
    const { path } = node.dataset;
    const text = document.createElement("span");
    text.textContent = `Delete ${path} and its values at the device?`;
    ask(node, "delete", button, [text], "Delete", (_, submit) =>
      run(node, submit, "Deleting…", async () => {
        await call("DELETE", `${api}/resources${path}`);
        return reload(`Deleted ${path}.`);
      }));
  },
};

/** The rows of the first instance of an object that can be written. */
function writableRows(path) {
  const rows = [...nodes.values()].filter((row) => row.dataset.path.startsWith(`${path}/`) && row.querySelector('[data-action="write"]'));
  const instance = rows[0]?.dataset.path.split("/")[2];
  return rows.filter((row) => row.dataset.path.split("/")[2] === instance);
}

/** A text with a link that loads the page again. */
function reload(text) {
  const result = document.createElement("span");
  const link = document.createElement("a");
  link.href = location.pathname;
  link.textContent = "Load the page again";
  result.append(`${text} `, link, " to see it.");
  return result;
}

page.addEventListener("click", (event) => {
  const more = event.target.closest("[data-show-all]");
  if (more) {
    const table = more.closest("section").querySelector(".resources");
    table.classList.remove("short");
    more.closest("p").remove();
    table.querySelector(".minor button")?.focus();
    return;
  }
  const button = event.target.closest("button[data-action]");
  const node = button?.closest("[data-path]");
  if (node) COMMANDS[button.dataset.action]?.(node, button);
});

// --- events ------------------------------------------------------------------------------------------------------------

const changed = document.getElementById("changed");

function setState(text, notice) {
  const state = page.querySelector('[data-field="state"]');
  state.className = `state ${text}`;
  state.textContent = text;
  if (notice) {
    changed.replaceChildren(notice);
    changed.hidden = false;
  } else {
    changed.hidden = true;
  }
}

follow(endpoint, (event) => {
  show(event, false);
  if (event.endpoint !== endpoint) return;
  if (event.type !== "expired") setTime(page.querySelector('[data-field="seen"]'), event.at);
  switch (event.type) {
    case "registered":
      setState("registered", reload("The device has registered again."));
      break;
    case "updated":
      if (page.querySelector(".state.offline")) setState("registered", null);
      break;
    case "deregistered":
      setState("offline", "The device has left. Its last known values are below.");
      break;
    case "expired":
      setState("offline", "The registration has expired. The last known values are below.");
      break;
    case "notification":
      putAll(event.path, event.records ?? [], event.at);
      for (const record of event.records ?? []) plot(record, event.at);
      break;
    case "observation_started":
      setObserved(event.path, true);
      break;
    case "observation_ended":
      setObserved(event.path, false);
      break;
  }
}, () => {
  changed.replaceChildren(reload("The connection was interrupted, so values may be missing here."));
  changed.hidden = false;
});

// Without JavaScript nothing is hidden, as nothing could show it.
document.documentElement.classList.add("js");
for (const more of page.querySelectorAll(".more")) more.hidden = false;
keepTimes();
for (const item of observed.children) plotKnown(item.dataset.observed);
choose(series.keys().next().value);
