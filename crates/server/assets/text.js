// How values and times are written; src/portal/text.rs does the same on the server.

const LONGEST = 200;

/** A moment in UTC. */
export function moment(time) {
  return new Date(time).toISOString().slice(0, 19).replace("T", " ") + " UTC";
}

/** The time of day of a moment, in the reader's time zone. */
export function clock(time) {
  return new Date(time).toLocaleTimeString([], { hour12: false });
}

/** A value of a type. */
export function valueText(value, type) {
  if (value === null || value === undefined) return "";
  if (type === "time" && typeof value === "number") {
    const date = new Date(value * 1000);
    return Number.isNaN(date.valueOf()) ? `${value} s` : moment(date);
  }
  const text = String(value);
  return [...text].length > LONGEST ? [...text].slice(0, LONGEST).join("") + "…" : text;
}

/** A number with as many digits as a person wants to read. */
export function numberText(value) {
  if (!Number.isFinite(value)) return String(value);
  return Number(value.toPrecision(7)).toString();
}

const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];

/** A length of time in its two largest units. */
export function durationText(seconds) {
  const at = Math.max(UNITS.findIndex(([size]) => seconds >= size), seconds < 1 ? UNITS.length - 1 : 0);
  const [size, unit] = UNITS[at];
  const rest = UNITS[at + 1];
  const text = `${Math.floor(seconds / size)} ${unit}`;
  return rest && seconds % size >= rest[0] ? `${text} ${Math.floor((seconds % size) / rest[0])} ${rest[1]}` : text;
}

function ago(time, now) {
  const seconds = Math.round((now - time) / 1000);
  if (seconds < -1) return `in ${coarse(-seconds)}`;
  if (seconds < 2) return "now";
  return `${coarse(seconds)} ago`;
}

function coarse(seconds) {
  const [size, unit] = UNITS.find(([size]) => seconds >= size) ?? UNITS[3];
  return `${Math.floor(seconds / size)} ${unit}`;
}

/** Gives a time element its moment. */
export function setTime(element, time) {
  if (!element || !time) return;
  element.dateTime = time;
  refresh(element, Date.now());
}

function refresh(element, now) {
  const time = Date.parse(element.dateTime);
  if (Number.isNaN(time)) return;
  const text = ago(time, now);
  if (element.textContent !== text) element.textContent = text;
  const title = moment(time);
  if (element.title !== title) element.title = title;
}

/** Lets all time elements with a field tell how long ago they are, and keeps that true. */
export function keepTimes() {
  const all = () => {
    const now = Date.now();
    for (const element of document.querySelectorAll("time[datetime]:not(.fixed)")) refresh(element, now);
  };
  all();
  setInterval(all, 1000);
}
