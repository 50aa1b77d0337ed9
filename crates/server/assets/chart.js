// A small line chart of numbers over time.

import { clock, numberText } from "./text.js";

const SVG = "http://www.w3.org/2000/svg";
const LEAST_WIDTH = 260;
const HEIGHT = 190;
const EDGE = { left: 44, right: 8, top: 10, bottom: 22 };
const LONGEST_SERIES = 600;

/** One value of a device over time. */
export class Series {
  constructor(path, name, units) {
    this.path = path;
    this.name = name;
    this.units = units;
    this.points = [];
  }

  add(time, value) {
    if (!Number.isFinite(value) || !Number.isFinite(time)) return;
    const last = this.points.at(-1);
    if (last && time < last.time) return;
    if (last && time === last.time) this.points.pop();
    this.points.push({ time, value });
    if (this.points.length > LONGEST_SERIES) this.points.shift();
  }

  get title() {
    return `${this.name} ${this.path}`;
  }
}

/** Draws a series into an element, in place of what is there. */
export function draw(host, series) {
  const points = series.points;
  const last = points.at(-1);
  if (!last) return;
  const values = points.map((point) => point.value);
  const low = Math.min(...values);
  const high = Math.max(...values);

  const now = document.createElement("p");
  now.className = "now";
  now.append(element("strong", numberText(last.value)));
  if (series.units) now.append(element("span", series.units, "units"));
  now.append(element("span", `${numberText(low)} to ${numberText(high)}, ${points.length} values`, "hint"));

  // One unit is one pixel, so that text has the size that it says at every width.
  const width = Math.max(LEAST_WIDTH, Math.round(host.clientWidth));
  const svg = shape("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img" });
  svg.setAttribute("aria-label",
    `${series.title}: now ${numberText(last.value)} ${series.units}, lowest ${numberText(low)}, ` +
    `highest ${numberText(high)}, ${points.length} values since ${clock(points[0].time)}`);

  const ticks = niceTicks(low, high);
  const bottom = ticks[0];
  const top = ticks.at(-1);
  // A single value, or a few quick ones, get ten seconds of room.
  const span = Math.max(last.time - points[0].time, 10_000);
  const from = last.time - span;
  const x = (time) => EDGE.left + ((time - from) / span) * (width - EDGE.left - EDGE.right);
  const y = (value) => HEIGHT - EDGE.bottom - ((value - bottom) / (top - bottom)) * (HEIGHT - EDGE.top - EDGE.bottom);

  for (const tick of ticks) {
    svg.append(shape("line", { class: "grid", x1: EDGE.left, x2: width - EDGE.right, y1: y(tick), y2: y(tick) }));
    svg.append(label(EDGE.left - 6, y(tick) + 4, "end", numberText(tick)));
  }
  for (const [at, anchor] of [[0, "start"], [0.5, "middle"], [1, "end"]]) {
    const time = from + span * at;
    svg.append(label(x(time), HEIGHT - 6, anchor, clock(time)));
  }

  const corners = points.map((point) => `${x(point.time).toFixed(1)},${y(point.value).toFixed(1)}`);
  const base = y(bottom).toFixed(1);
  if (points.length > 1) {
    const area = `${x(points[0].time).toFixed(1)},${base} ${corners.join(" ")} ${x(last.time).toFixed(1)},${base}`;
    svg.append(shape("polygon", { class: "area", points: area }));
    svg.append(shape("polyline", { class: "line", points: corners.join(" ") }));
  }
  svg.append(shape("circle", { class: "dot", cx: x(last.time), cy: y(last.value), r: 4 }));
  host.replaceChildren(now, svg);
}

/** Round values around a range, at least two. */
export function niceTicks(low, high) {
  if (!(high > low)) {
    const room = Math.abs(high) / 20 || 1;
    return niceTicks(low - room, high + room);
  }
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough) * power;
  const first = Math.floor(low / step);
  const last = Math.max(Math.ceil(high / step), first + 1);
  const ticks = [];
  for (let at = first; at <= last; at += 1) ticks.push(at * step);
  return ticks;
}

function shape(name, attributes) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

function label(x, y, anchor, text) {
  const node = shape("text", { class: "axis", x, y, "text-anchor": anchor });
  node.textContent = text;
  return node;
}

function element(name, text, className) {
  const node = document.createElement(name);
  node.textContent = text;
  if (className) node.className = className;
  return node;
}
