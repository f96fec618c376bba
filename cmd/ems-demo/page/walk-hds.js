// HDS, which no browser plays: the way that a player takes from the manifest to the fragments.

// play walks through the stream once a second and shows in the box what it finds.
export function play(box, url) {
  const panel = document.getElementById("walk").content.firstElementChild.cloneNode(true);
  box.replaceChildren(panel);
  const walk = new Walk(panel, url);
  walk.run();
  return { latency: () => `${walk.count} / ${walk.read}` };
}

class Walk {
  constructor(panel, url) {
    Object.assign(this, { panel, url, count: 0, read: 0 });
    this.known = new Map(); // what listed fragments had, by URL
  }

  async run() {
    try {
      await this.once();
      this.count++;
    } catch (error) {
      this.tell(error.message, false);
    }
    setTimeout(() => this.run(), 1000);
  }

  async once() {
    const set = await manifest(this.url);
    const child = new URL(attribute(set, "media", "href"), this.url).href;
    const single = await manifest(child);
    const bootstrap = new URL(attribute(single, "bootstrapInfo", "url"), child).href;
    const media = new URL(attribute(single, "media", "url"), child).href;
    const { first, last } = readBootstrap(await get(bootstrap));
    this.steps([this.url, child, bootstrap]);

    const numbers = Array.from({ length: last - first + 1 }, (_, i) => first + i);
    const urls = numbers.map((n) => `${media}Seg1-Frag${n}`);
    const found = await Promise.all(urls.map((fragment) => this.look(fragment)));
    for (const fragment of this.known.keys()) if (!urls.includes(fragment)) this.known.delete(fragment);
    const missing = numbers.filter((_, i) => found[i].problem);
    this.tiles(numbers, found);
    this.tell(
      `HDS: fragments ${first} to ${last} listed, ` +
        (missing.length === 0 ? "all there" : numbers.flatMap((n, i) => found[i].problem ?? []).join(", ")),
      missing.length === 0,
    );
  }

  // look loads a fragment and checks that it is whole; one that it knows has to be there as it was.
  async look(fragment) {
    const name = fragment.slice(fragment.lastIndexOf("/") + 1);
    const known = this.known.get(fragment);
    const response = await fetch(fragment, { method: known ? "HEAD" : "GET", cache: "no-store" });
    if (!response.ok) return { problem: `${name} is missing (${response.status})` };
    if (known) {
      const bytes = Number(response.headers.get("Content-Length"));
      return bytes === known.bytes ? known : { problem: `${name} has changed` };
    }
    const content = await response.arrayBuffer();
    const span = readFragment(content);
    if (!span) return { problem: `${name} is cut short` };
    const found = { bytes: content.byteLength, ...span };
    this.known.set(fragment, found);
    this.read++;
    return found;
  }

  steps(urls) {
    const items = urls.map((url) => {
      const li = document.createElement("li");
      li.textContent = url.slice(url.lastIndexOf("/") + 1);
      return li;
    });
    this.panel.querySelector(".manifests").replaceChildren(...items);
  }

  tiles(numbers, found) {
    const items = numbers.map((n, i) => {
      const li = document.createElement("li");
      const { problem, bytes, from, to } = found[i];
      li.className = problem ? "bad" : "good";
      for (const text of [n, problem ? "–" : `${Math.round(bytes / 1000)} kB`, problem ? "" : `${((to - from) / 1000).toFixed(1)} s`]) {
        const span = document.createElement("span");
        span.textContent = text;
        li.append(span);
      }
      return li;
    });
    this.panel.querySelector(".fragments").replaceChildren(...items);
  }

  tell(text, fine) {
    const found = this.panel.querySelector(".found");
    found.textContent = text;
    found.classList.toggle("bad", !fine);
  }
}

async function get(url) {
  const response = await fetch(url, { cache: "no-store" });
  if (!response.ok) throw new Error(`${url.slice(url.lastIndexOf("/") + 1)} is missing (${response.status})`);
  return response.arrayBuffer();
}

async function manifest(url) {
  const text = new TextDecoder().decode(await get(url));
  return new DOMParser().parseFromString(text, "text/xml");
}

function attribute(document, element, name) {
  const value = document.getElementsByTagNameNS("*", element)[0]?.getAttribute(name);
  if (!value) throw new Error(`a manifest has no ${element} with ${name}`);
  return value;
}

// readBootstrap returns which fragments a rolling bootstrap of EMS lists: from the first run's first one on,
// as many as segment 1 has (F4V file format specification 10.1, section 2.11.2).
function readBootstrap(buffer) {
  const view = new DataView(buffer);
  const segments = box(view, "asrt", 43);
  const fragments = box(view, "afrt", segments.end + 1);
  const count = view.getUint32(segments.start + 13);
  const first = view.getUint32(fragments.start + 13);
  return { first, last: first + count - 1 };
}

// readFragment returns the times of the first and the last FLV tag, in ms, or null if the fragment is not whole.
function readFragment(buffer) {
  const view = new DataView(buffer);
  try {
    let at = 0;
    for (const kind of ["afra", "abst", "moof"]) at = box(view, kind, at).end;
    const media = box(view, "mdat", at);
    if (media.end !== view.byteLength) return null;
    let from, to;
    for (at = media.start; at < media.end; at += 15 + (view.getUint32(at) & 0xffffff)) {
      to = (view.getUint32(at + 4) >>> 8) | (view.getUint8(at + 7) << 24);
      from ??= to;
    }
    return at === media.end ? { from, to } : null;
  } catch {
    return null;
  }
}

// box returns where the content of the box that begins at a position starts and ends.
function box(view, kind, at) {
  const end = at + view.getUint32(at);
  const found = String.fromCharCode(...[4, 5, 6, 7].map((i) => view.getUint8(at + i)));
  if (found !== kind || end > view.byteLength) throw new Error(`no whole box ${kind}, but ${found}`);
  return { start: at + 8, end };
}
