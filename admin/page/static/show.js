// How things are shown: elements, times, sizes, states.

// states are all states, the worst for viewers first.
export const states = ["failing", "lagging", "stalled", "stale", "starting", "live", "ended"];

// kind is a stream's format, or its section, where there may be several of the format.
export const kind = (stream) => (stream.section?.includes(" ") ? stream.section : stream.format);

// suffers tells of a state whether viewers see less than they should.
export const suffers = (state) => state === "failing" || state === "lagging" || state === "stalled";

// h returns a new element. Text is never markup: publishers choose the names of streams.
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// s returns a new element of SVG.
export function s(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// put sets the text of an element, if it is another one.
export function put(element, text) {
  text = String(text);
  if (element.textContent !== text) element.textContent = text;
}

// shape returns the shape of a state. The word stands beside it.
export function shape(state) {
  const use = s("use", { href: "#" + state });
  return s("svg", { class: "shape " + state, "aria-hidden": "true" }, use);
}

// reshape turns a shape into that of another state.
export function reshape(svg, state) {
  svg.setAttribute("class", "shape " + state);
  svg.firstChild.setAttribute("href", "#" + state);
}

// duration is for people: 1.2 s, 48 s, 2m 48s, 3h 05m, 36 h, 12 d.
export function duration(seconds) {
  seconds = Math.max(0, seconds);
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  return age(seconds);
}

// age is a duration in whole seconds.
export function age(seconds) {
  seconds = Math.max(0, Math.floor(seconds));
  const two = (n) => String(n).padStart(2, "0");
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${two(seconds % 60)}s`;
  if (seconds < 10 * 3600) return `${Math.floor(seconds / 3600)}h ${two(Math.floor((seconds % 3600) / 60))}m`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

// bytes is for people.
export function bytes(n) {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let i = 0;
  while (n >= 999.5 && i < units.length - 1) {
    n /= 1000;
    i++;
  }
  return `${n < 9.95 && i > 0 ? n.toFixed(1) : Math.round(n)} ${units[i]}`;
}

const pad = (n, digits = 2) => String(n).padStart(digits, "0");

// clock is the time of day, of this browser's zone.
export function clock(time, milliseconds = false) {
  const t = new Date(time);
  const text = `${pad(t.getHours())}:${pad(t.getMinutes())}:${pad(t.getSeconds())}`;
  return milliseconds ? `${text}.${pad(t.getMilliseconds(), 3)}` : text;
}

// day is the date and the time of day.
export function day(time) {
  const t = new Date(time);
  return `${t.getFullYear()}-${pad(t.getMonth() + 1)}-${pad(t.getDate())} ${clock(time)}`;
}

export const count = (n, one, many = one + "s") => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;

export const number = (n) => n.toLocaleString("en");
