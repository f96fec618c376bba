// What the page knows: the streams, what happened last, and since when the daemon is silent.

import { states, suffers, number } from "./show.js";

export const historySeconds = 600; // of a stream's lag
const slot = 10; // seconds for one point of it
const patience = 15_000; // ms for which streams are kept that a daemon which was started again does not know yet
export const keptEvents = 500;

// streams has each stream as the API tells of it, by id; and besides: at which time (ms) each lag
// was, in lags, and missing, if the daemon has not told of it again since it was started.
export const streams = new Map();

export const events = []; // the newest last

export const connection = {
  open: false,
  problem: "", // why the daemon cannot tell how the streams fare
  asOf: 0, // ms of this browser's clock: when the daemon was heard last
  skew: 0, // ms by which the daemon's clock is ahead of this one
};

// now is the time of the daemon, in ms. It stands still while it is not connected.
export function now() {
  return (connection.open && !connection.problem ? Date.now() : connection.asOf) + connection.skew;
}

export const ago = (time) => (time ? (now() - Date.parse(time)) / 1000 : NaN);

// learn remembers what an event of the feed says. It returns the ids of the streams that changed, or
// null if all may have.
export function learn(name, data) {
  if (name === "problem") {
    connection.problem = data.error;
    return null;
  }
  if (data.at) {
    connection.skew = Date.parse(data.at) - Date.now();
    connection.asOf = Date.now();
  }
  if (name === "streams") {
    connection.problem = "";
    replace(data.streams);
    return null;
  }
  if (name === "events") {
    addEvents(data.events);
    return [];
  }
  if (name !== "changes") return []; // of a newer daemon
  const changed = [];
  for (const patch of data.changed ?? []) {
    update(patch);
    changed.push(patch.id);
  }
  for (const id of data.removed ?? []) streams.delete(id);
  return data.removed?.length ? null : changed;
}

export function addEvents(more) {
  const known = new Set(events.map((event) => event.id));
  const last = events.at(-1)?.id ?? 0;
  const fresh = more.filter((event) => !known.has(event.id));
  events.push(...fresh);
  if (fresh.length && fresh[0].id < last) events.sort((a, b) => a.id - b.id); // an answer that was late
  events.splice(0, Math.max(0, events.length - keptEvents));
}

function replace(all) {
  const known = new Set(all.map((stream) => stream.id));
  for (const [id, stream] of streams) {
    if (known.has(id)) continue;
    stream.missing = Date.now() + patience;
  }
  const newest = Math.floor((Date.now() + connection.skew) / 1000 / slot);
  for (const { lag_history: history, ...stream } of all) {
    update(stream, true);
    history?.forEach((lag, i) => lag && keep(streams.get(stream.id), newest - history.length + 1 + i, lag));
  }
}

function update(patch, whole = false) {
  let stream = streams.get(patch.id);
  if (!stream) streams.set(patch.id, (stream = { lags: new Map() }));
  if (whole) for (const name of Object.keys(stream)) if (name !== "lags") delete stream[name];
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete stream[name];
    else stream[name] = value;
  }
  delete stream.missing;
  if ("lag_seconds" in patch || "edge_at" in patch) noteLag(stream);
}

// keep remembers the worst lag of a slot of time.
function keep(stream, key, lag) {
  stream.lags.set(key, Math.max(stream.lags.get(key) ?? 0, lag));
  const oldest = key - historySeconds / slot;
  for (const old of stream.lags.keys()) if (old < oldest) stream.lags.delete(old);
}

function noteLag(stream) {
  if (!stream.edge_at || !stream.lag_seconds) return;
  keep(stream, Math.floor(Date.parse(stream.edge_at) / 1000 / slot), stream.lag_seconds);
}

// lags returns the lag of each slot of the last ten minutes, the oldest first; undefined where the
// stream had no new chunk.
export function lags(stream) {
  const newest = Math.floor(now() / 1000 / slot);
  const n = historySeconds / slot;
  return Array.from({ length: n }, (_, i) => stream.lags.get(newest - n + 1 + i));
}

// tidy forgets the streams that a daemon which was started again does not know.
export function tidy() {
  let gone = false;
  for (const [id, stream] of streams) {
    if (connection.open && stream.missing && Date.now() > stream.missing) gone = streams.delete(id);
  }
  return gone;
}

// counts returns how many streams are in each state.
export function counts() {
  const n = Object.fromEntries(states.map((state) => [state, 0]));
  for (const stream of streams.values()) n[stream.state]++;
  return n;
}

// overall returns the worst state, and one line on all streams: "42 live, 1 stalled: news/sport".
export function overall() {
  const n = counts();
  if (streams.size === 0) return { state: "starting", text: "no streams yet" };
  const part = (state) => {
    if (!suffers(state)) return `${number(n[state])} ${state}`;
    const names = [...streams.values()].filter((stream) => stream.state === state).map((stream) => stream.stream);
    names.sort();
    const shown = names.slice(0, 3).join(", ");
    return `${number(n[state])} ${state}: ${shown}${names.length > 3 ? ` and ${names.length - 3} more` : ""}`;
  };
  const first = ["live", ...states.filter((state) => state !== "live")];
  const text = first.filter((state) => n[state] > 0).map(part);
  const worst = states.find((state) => n[state] > 0 && (suffers(state) || state === "live")) ?? "ended";
  return { state: worst, text: text.join(", ") };
}
