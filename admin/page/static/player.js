// The player of what the bucket has of an HLS stream. hls.js is loaded when it is asked for.

import { h, put, duration } from "./show.js";
import { headers, read } from "./feed.js";

let base; // below which the keys of a bucket are: a function of the bucket, or null where nothing is played

// where asks the daemon, once, from where it lets the page play.
async function where() {
  if (base !== undefined) return base;
  const config = await read("config");
  const player = config?.settings.find((setting) => setting.section === "Admin" && setting.key === "player")?.value;
  base = !player || player === "off" ? null : player === "daemon" ? (bucket) => `play/${bucket}/` : () => player;
  return base;
}

// A Player plays one manifest of a stream.
export class Player {
  constructor() {
    this.note = h("p", { class: "faint" });
    this.button = h("button", { type: "button", class: "play", hidden: true, onclick: () => this.start() }, "▶ Play what the bucket has");
    this.box = h("div", { class: "box", hidden: true });
    this.element = h("section", { class: "player", "aria-label": "Player" }, this.button, this.box, this.note);
    this.url = null;
  }

  // offer offers to play the manifest, the object under key.
  async offer(bucket, key) {
    if (this.url !== null) return;
    this.url = "";
    try {
      const base = await where();
      if (base === null) {
        put(this.note, "To play it here, set player in the section [Admin] of the config.");
        return;
      }
      this.url = new URL(base(bucket) + key.split("/").map(encodeURIComponent).join("/"), document.baseURI).href;
      this.button.hidden = false;
    } catch {
      this.url = null; // it is asked again with the next change
    }
  }

  async start() {
    this.button.hidden = true;
    this.box.hidden = false;
    this.video = h("video", { controls: true, playsinline: true, muted: true, autoplay: true, "aria-label": "What the bucket has" });
    this.video.muted = true;
    this.box.replaceChildren(this.video);
    put(this.note, "loading");
    try {
      const { default: Hls } = await import("./hls.light.min.mjs");
      if (this.stopped) return;
      if (!Hls.isSupported()) throw new Error("this browser cannot play HLS by Media Source Extensions");
      const own = new URL(this.url).origin === location.origin;
      this.hls = new Hls({
        enableWorker: false,
        xhrSetup: (xhr) => { if (own) for (const [name, value] of Object.entries(headers())) xhr.setRequestHeader(name, value); },
      });
      this.hls.on(Hls.Events.ERROR, (_, error) => {
        if (error.fatal) this.fail(`${error.type}: ${error.details}${error.response?.code ? `, status ${error.response.code}` : ""}`);
      });
      this.hls.loadSource(this.url);
      this.hls.attachMedia(this.video);
    } catch (error) {
      this.fail(error.message);
    }
  }

  fail(why) {
    this.hls?.destroy();
    this.hls = null;
    put(this.note, "It cannot be played: " + why);
    put(this.button, "▶ Play again");
    this.button.hidden = false;
  }

  // tick says how far behind the picture is.
  tick() {
    if (!this.hls || !this.video.currentTime) return;
    const behind = this.hls.latency > 0 ? `, ${duration(this.hls.latency)} behind the live edge` : "";
    put(this.note, `${this.video.videoWidth} × ${this.video.videoHeight}${behind}`);
  }

  stop() {
    this.stopped = true;
    this.hls?.destroy();
    this.hls = null;
  }
}
