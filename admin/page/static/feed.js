// The way to the daemon: the API, and the changes that it sends as server-sent events. EventSource
// cannot send a token, so that the events are read with fetch.

const silence = 12_000; // ms; the daemon sends something every five seconds
const pauses = [500, 1000, 2000, 4000]; // ms before the next attempt to connect

let token = sessionStorage.getItem("token") ?? "";

// askForToken asks the operator. main.js sets it. Its argument is the token that was refused, if any.
export const ways = { askForToken: async () => "" };

export function headers() {
  return token ? { Authorization: `Bearer ${token}` } : {};
}

async function get(path, signal) {
  for (;;) {
    const response = await fetch(path, { headers: headers(), signal, cache: "no-store" });
    if (response.status !== 401) return response;
    const next = await ways.askForToken(token);
    token = next;
    sessionStorage.setItem("token", token);
  }
}

// read returns a resource of the API, or null if this daemon has none.
export async function read(path) {
  const response = await get("api/v1/" + path, AbortSignal.timeout(10_000));
  if (response.status === 404) return null;
  if (!response.ok) throw new Error(await problem(response));
  return response.json();
}

async function problem(response) {
  try {
    return (await response.json()).error;
  } catch {
    return `${response.status} ${response.statusText}`;
  }
}

// follow reads the changes for ever. It calls on.open, on.event(name, data, id), and on.closed(why).
export async function follow(on) {
  let since = null;
  for (let failures = 0; ; failures++) {
    const gone = new AbortController();
    let alarm;
    const alive = () => {
      clearTimeout(alarm);
      alarm = setTimeout(() => gone.abort(), silence);
    };
    try {
      alive();
      const response = await get("api/v1/changes" + (since === null ? "" : `?since=${since}`), gone.signal);
      if (!response.ok) throw new Error(await problem(response));
      on.open();
      for await (const event of events(response.body, alive)) {
        failures = 0;
        if (event.id) since = event.id;
        on.event(event.name, JSON.parse(event.data), event.id);
      }
      throw new Error("the daemon has closed the connection");
    } catch (error) {
      on.closed(gone.signal.aborted ? "the daemon does not answer" : error.message);
    }
    clearTimeout(alarm);
    await new Promise((resolve) => setTimeout(resolve, pauses[Math.min(failures, pauses.length - 1)]));
  }
}

// events yields the server-sent events of a body.
async function* events(body, alive) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    alive();
    const parts = (rest + value).split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const event = { name: "", data: "", id: "" };
      for (const line of part.split("\n")) {
        const [, field, text] = /^([a-z]*): ?(.*)$/.exec(line) ?? [];
        if (field === "event") event.name = text;
        else if (field === "data") event.data += text;
        else if (field === "id") event.id = text;
      }
      if (event.name) yield event;
    }
  }
}
