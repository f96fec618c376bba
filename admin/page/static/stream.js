// The view of one stream: how it fares, its player, the path of its last chunks, its manifests and
// what happened to it.

import { h, kind, put, shape, reshape, duration, age, bytes, number, count, clock, day } from "./show.js";
import { read } from "./feed.js";
import { streams, events, ago, lags } from "./state.js";
import { Sparkline } from "./sparkline.js";
import { row, head } from "./events.js";
import { Player } from "./player.js";

const steps = ["closed", "kept", "sending", "sent", "confirmed", "listed"];
const reloadEvery = 1000; // ms, at most

export class StreamView {
  constructor(query, id) {
    this.id = id;
    this.title = id;
    this.loadedAt = 0;
    this.facts = {};
    this.shape = shape("starting");
    this.state = h("span");
    this.why = h("p", { class: "why" });
    this.name = h("h1");
    this.spark = new Sparkline(lags, true);
    const fact = (name, title) => h("div", {}, h("dt", {}, title), (this.facts[name] = h("dd", {}, "–")));
    this.chunks = h("div", { class: "scroll", role: "region", "aria-label": "The last chunks", tabindex: "0" });
    this.manifests = h("div", { class: "scroll", role: "region", "aria-label": "Manifests", tabindex: "0" });
    this.past = h("tbody");
    this.noEvents = h("p", { class: "faint" }, "Nothing yet.");
    this.player = new Player();
    this.player.element.hidden = true;
    this.element = h("article", { class: "one" },
      h("p", { class: "back" }, h("a", { href: "#/" }, "← all streams")),
      h("div", { class: "headline" }, this.name, h("p", { class: "now" }, this.shape, this.state)),
      this.why,
      h("div", { class: "columns" },
        h("section", { "aria-label": "Figures" },
          h("dl", { class: "facts" },
            fact("since", "For"), fact("chunk", "Newest on the disk"), fact("edge", "Newest for viewers"),
            fact("lag", "Lag"), fact("target", "Target duration"), fact("sequence", "Sequence"), fact("segments", "In the manifest"),
            fact("backlog", "Backlog"), fact("chunks", "Uploaded in this run"), fact("failed", "Last failure")),
          h("figure", { class: "lags" }, h("figcaption", { class: "faint" }, "Lag in the last ten minutes; the lines are at 100 ms, 1 s and 10 s"), this.spark.element)),
        this.player.element),
      h("dl", { class: "places" },
        fact("root", "Directory"), fact("key", "Objects"), fact("returned", "Returned"), fact("awaited", "Waited for")),
      h("h2", {}, "The last chunks"), this.chunks,
      h("h2", {}, "Manifests"), this.manifests,
      h("h2", {}, "Events"), this.noEvents,
      h("table", { class: "list events", "aria-label": "Events of this stream, the newest first" }, head(false), this.past));
    this.seams(undefined);
    this.render(null);
    this.list();
  }

  leave() {
    this.left = true;
    this.player.stop();
  }

  render(changed, name) {
    if (name === "events") this.list();
    if (changed !== null && !changed.includes(this.id)) return;
    const stream = streams.get(this.id);
    this.tick();
    if (!stream) {
      put(this.name, this.id);
      put(this.state, "not known");
      put(this.why, "The daemon knows no such stream, or not yet.");
      return;
    }
    this.element.classList.toggle("missing", Boolean(stream.missing));
    this.title = stream.stream;
    if (this.name.textContent !== stream.stream + " " + kind(stream)) {
      this.name.replaceChildren(stream.stream, " ", h("span", { class: "format" }, kind(stream)));
    }
    reshape(this.shape, stream.state);
    put(this.state, stream.state);
    put(this.why, stream.why ?? "");
    this.why.hidden = !stream.why;
    put(this.facts.lag, stream.lag_seconds ? duration(stream.lag_seconds) : "–");
    put(this.facts.target, stream.target_seconds ? duration(stream.target_seconds) : "–");
    put(this.facts.sequence, number(stream.sequence));
    put(this.facts.segments, number(stream.segments));
    put(this.facts.backlog, number(stream.backlog));
    put(this.facts.chunks, `${number(stream.chunks)} (${bytes(stream.bytes)})`);
    put(this.facts.root, place(stream));
    put(this.facts.key, `s3://${stream.bucket}/${stream.key}`);
    this.spark.draw(stream);
    this.load();
  }

  tick(second) {
    this.player.tick();
    const stream = streams.get(this.id);
    if (!stream) return;
    put(this.facts.since, age(ago(stream.since)));
    put(this.facts.chunk, stream.chunk_at ? age(ago(stream.chunk_at)) + " ago" : "–");
    put(this.facts.edge, stream.edge_at ? age(ago(stream.edge_at)) + " ago" : "–");
    put(this.facts.failed, stream.failed_at ? `${age(ago(stream.failed_at))} ago` : "none");
    if (second % 10 === 0) this.spark.draw(stream);
  }

  list() {
    const stream = streams.get(this.id);
    const mine = events.filter((event) => event.stream === stream?.stream && (!event.format || event.format === stream.format));
    this.noEvents.hidden = mine.length > 0;
    this.past.parentElement.hidden = mine.length === 0;
    this.past.replaceChildren(...mine.reverse().slice(0, 50).map((event) => row(event, false)));
  }

  // load asks for the rest of what the daemon knows of the stream, at most once a second.
  load() {
    if (this.loading || this.left) return;
    this.loading = true;
    setTimeout(async () => {
      try {
        if (this.left) return;
        this.loadedAt = Date.now();
        const detail = await read("streams/" + this.id.split("/").map(encodeURIComponent).join("/"));
        if (detail && !this.left) this.detail(detail);
      } catch {
        // the line at the top says that the daemon is gone; it is asked again when it is back
      } finally {
        this.loading = false;
      }
    }, Math.max(0, this.loadedAt + reloadEvery - Date.now()));
  }

  detail(detail) {
    this.chunks.replaceChildren(detail.recent_chunks ? path(detail.recent_chunks) : unavailable());
    this.manifests.replaceChildren(detail.manifests ? manifests(detail.manifests) : unavailable());
    const manifest = detail.manifests?.find((m) => !m.set) ?? detail.manifests?.[0];
    this.seams(manifest);
    if (detail.format === "HLS" && manifest) {
      this.player.element.hidden = false;
      this.player.offer(detail.bucket, manifest.key);
    }
  }

  // seams shows how often the stream has returned after a stop, and until when it is waited for.
  seams(manifest) {
    const { runs, seams, returns_by: until } = manifest ?? {};
    this.facts.returned.parentElement.hidden = !runs;
    this.facts.awaited.parentElement.hidden = !until;
    if (runs) put(this.facts.returned, `${count(runs, "time")}; ${count(seams, "seam")} in the playlist`);
    if (until) put(this.facts.awaited, `until ${clock(until)}, before viewers get its end`);
  }
}

// place is the directory of a stream, which may have others, too.
const place = ({ root, stream, directory = stream }) => (directory === "." || directory === root ? root : `${root}/${directory}`);

const unavailable = () => h("p", { class: "faint" }, "Not available: this daemon does not tell of it.");

// path shows when each chunk was closed, and how much later it made each step.
function path(chunks) {
  if (chunks.length === 0) return h("p", { class: "faint" }, "None in this run of the daemon.");
  return h("table", { class: "list path", "aria-label": "The path of the last chunks, the newest first" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Chunk"), h("th", { scope: "col", class: "number" }, "Bytes"),
      ...steps.map((step) => h("th", { scope: "col", class: "number" }, step)), h("th", { scope: "col" }, "Remark"))),
    h("tbody", {}, ...[...chunks].reverse().map((chunk) => {
      const began = Date.parse(steps.map((step) => chunk[step + "_at"]).find((at) => at));
      return h("tr", { class: chunk.lost_at ? "lost" : "" },
        h("th", { scope: "row", class: "key", title: chunk.key }, chunk.key.slice(chunk.key.lastIndexOf("/") + 1)),
        h("td", { class: "number" }, chunk.bytes ? number(chunk.bytes) : ""),
        ...steps.map((step, i) => time(chunk[step + "_at"], i === 0 ? NaN : began)),
        h("td", { class: "remark" }, remark(chunk)));
    })));
}

// time is a cell with the time of a step, or how long after the first one it was.
function time(at, began) {
  if (!at) return h("td", { class: "number" }, h("span", { class: "faint" }, "–"));
  const late = Date.parse(at) - began;
  return h("td", { class: "number" }, h("time", { datetime: at, title: `${day(at)}.${at.slice(20, 23)}` },
    Number.isNaN(late) || late < 0 ? clock(at, true) : "+" + duration(late / 1000)));
}

// remark says what else there is to know of a chunk.
function remark(chunk) {
  const remarks = [];
  if (chunk.lost_at) remarks.push(`lost at ${clock(chunk.lost_at)}${chunk.why ? ": " + chunk.why : ""}`);
  if (chunk.skipped_at) remarks.push("skipped: it had rolled out of its playlist");
  if (chunk.deleted_at) remarks.push(`deleted at ${clock(chunk.deleted_at)}`);
  if (chunk.kind === "init") remarks.push("init segment");
  if (chunk.confirmed_by && chunk.confirmed_by !== "upload") remarks.push(`the bucket had it, by a ${chunk.confirmed_by}`);
  const failure = chunk.failures?.at(-1);
  if (failure) remarks.push(`attempt ${failure.attempt} failed: ${failure.why}`);
  return remarks.join("; ");
}

function manifests(all) {
  if (all.length === 0) return h("p", { class: "faint" }, "None yet.");
  return h("table", { class: "list manifests", "aria-label": "Manifests" },
    h("thead", {}, h("tr", {}, ...["Manifest", "Published", "First", "Newest", "Chunks", "State"].map((title, i) =>
      h("th", { scope: "col", class: i > 0 && i < 5 ? "number" : "" }, title)))),
    h("tbody", {}, ...all.map((m) => h("tr", {},
      h("th", { scope: "row", class: "key" }, m.key),
      h("td", { class: "number" }, m.published_at ? h("time", { datetime: m.published_at, title: day(m.published_at) }, clock(m.published_at, true)) : "not yet"),
      h("td", { class: "number" }, m.set ? "" : number(m.sequence)), h("td", { class: "number" }, m.set ? "" : number(m.last_sequence)),
      h("td", { class: "number" }, m.set ? "" : number(m.segments)),
      h("td", {}, [m.set ? "names other manifests" : "", m.ended ? "ended" : "", m.waiting_since ? `a version waits since ${clock(m.waiting_since)}` : ""]
        .filter(Boolean).join(", "))))));
}
