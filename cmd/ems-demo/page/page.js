// The page: what the demo tells of its streams, and a player for each.

import { play as playHLS } from "./play-hls.js";
import { play as playDASH } from "./play-dash.js";
import { play as walkHDS } from "./walk-hds.js";

const formats = {
  // chunks: how many have to be listed before the player starts
  HLS: { play: playHLS, chunks: 1, listed: "Media sequence", position: (first, newest) => `${first} – ${newest}` },
  DASH: {
    play: playDASH,
    chunks: 6, // 12 s of video and of audio: as far as the player keeps behind the live edge
    listed: "Times listed",
    position: (first, newest) => `${(first / 1000).toFixed(1)} – ${(newest / 1000).toFixed(1)} s`,
  },
  HDS: {
    play: walkHDS,
    chunks: 1,
    listed: "Fragments",
    position: (first, newest) => `${first} – ${newest}`,
    watching: "Walks / fragments read",
  },
};

const rows = 12; // of what reached the bucket

const cards = new Map(); // by format

function show(element, text) {
  if (element.textContent !== String(text)) element.textContent = text;
}

// A card is one stream's part of the page.
class Card {
  constructor(format, count) {
    this.format = formats[format];
    this.section = document.getElementById("stream").content.firstElementChild.cloneNode(true);
    this.section.id = format;
    this.player = null;
    this.retryAt = 0; // not before this time, in ms
    show(this.part("h2"), format);
    show(this.part(".listed"), this.format.listed);
    if (this.format.watching) show(this.part(".watching"), this.format.watching);
    this.part(".url a").setAttribute("aria-label", `${format} stream`);
    this.part(".url button").addEventListener("click", () => this.copy());
    document.getElementById("streams").append(this.section);
    document.getElementById("streams").classList.toggle("single", count === 1);
  }

  part(selector) {
    return this.section.querySelector(selector);
  }

  render(stream) {
    this.part(".url a").href = stream.url;
    show(this.part(".url bdi"), stream.url);
    const started = stream.listed > 0;
    if (started) {
      show(this.part(".position"), this.format.position(stream.first, stream.newest));
      show(this.part(".lag"), `${stream.lagMs} ms`);
    }
    show(this.part(".written"), stream.written);
    show(this.part(".bucket"), `${stream.inBucket} (${(stream.bytesInBucket / 1e6).toFixed(1)} MB)`);
    const missing = this.part(".missing");
    show(missing, stream.missing);
    missing.classList.toggle("good", stream.missing === 0);
    missing.classList.toggle("bad", stream.missing > 0);
    const latency = !stream.ended && this.player?.latency();
    if (latency) show(this.part(".latency"), latency);
    const enough = stream.listed >= this.format.chunks;
    if (enough && !stream.ended && !this.player && Date.now() >= this.retryAt) this.start(stream.url);
  }

  // start starts the player, once there is something to play.
  start(url) {
    const player = this.format.play(this.part(".picture"), url, (reason) => {
      console.error("player stopped, starts again in 2 s:", reason);
      if (this.player === player) this.player = null;
      this.retryAt = Date.now() + 2000;
    });
    this.player = player;
  }

  async copy() {
    const button = this.part(".url button");
    getSelection().selectAllChildren(this.part(".url bdi"));
    try {
      await navigator.clipboard.writeText(this.part(".url bdi").textContent);
      show(button, "Copied");
      setTimeout(() => show(button, "Copy"), 1500);
    } catch {
      // No permission: the URL stays selected for the keyboard.
    }
  }
}

function state(text, className) {
  const element = document.getElementById("state");
  show(element, text);
  element.className = className;
}

function row(event) {
  const tr = document.createElement("tr");
  if (event.manifest) tr.className = "manifest";
  const cells = [
    [new Date(event.at).toLocaleTimeString([], { hour12: false }), ""],
    [event.key, "key"],
    [event.bytes.toLocaleString("en"), "number"],
    [event.lagMs === null ? "" : `${event.lagMs} ms`, "number"],
  ];
  for (const [text, className] of cells) {
    const td = document.createElement("td");
    td.textContent = text;
    td.className = className;
    tr.append(td);
  }
  return tr;
}

// Each button causes a trouble, and ends it by another click. Some end by themselves, after seconds.
for (const button of document.querySelectorAll("[data-trouble]")) {
  let end = 0;
  button.addEventListener("click", async () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    const response = await fetch(`troubles/${button.dataset.trouble}?on=${on}`, { method: "POST", headers: { "X-Demo": "1" } });
    if (!response.ok) return;
    button.setAttribute("aria-pressed", String(on));
    clearTimeout(end);
    if (on && button.dataset.lasts) {
      end = setTimeout(() => button.setAttribute("aria-pressed", "false"), button.dataset.lasts * 1000);
    }
  });
}

function render({ streams, recent, page }) {
  const daemon = document.getElementById("daemon");
  if (page && daemon.hidden) Object.assign(daemon, { href: page, hidden: false });
  document.querySelector("[data-trouble=drop]").hidden = !streams.some((stream) => stream.format === "HLS");
  if (streams.every((stream) => stream.ended)) state("ended", "ended");
  else if (streams.some((stream) => stream.listed > 0)) state("live", "live");
  for (const stream of streams) {
    if (!cards.has(stream.format)) cards.set(stream.format, new Card(stream.format, streams.length));
    cards.get(stream.format).render(stream);
  }
  document.getElementById("recent").replaceChildren(...recent.slice(-rows).reverse().map(row));
}

async function poll() {
  try {
    const response = await fetch("status", { signal: AbortSignal.timeout(5000) });
    if (!response.ok) throw new Error(`status ${response.status}`);
    render(await response.json());
  } catch (error) {
    console.error(error);
    state("the demo does not answer", "waiting");
  }
  setTimeout(poll, 1000);
}

poll();
