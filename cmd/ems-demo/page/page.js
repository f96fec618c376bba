"use strict";

const $ = (id) => document.getElementById(id);
const video = $("video");
let player = null;
let retryAt = 0; // not before this time, in ms

// play starts the player, once there is something to play.
function play(url) {
  if (!Hls.isSupported()) {
    video.src = url; // an iPhone plays HLS itself
    return {};
  }
  const hls = new Hls({ enableWorker: true });
  hls.on(Hls.Events.ERROR, (_, error) => {
    if (!error.fatal) return;
    console.error("player stopped, starts again in 2 s:", error.type, error.details);
    if (player === hls) player = null;
    hls.destroy();
    retryAt = Date.now() + 2000;
  });
  hls.loadSource(url);
  hls.attachMedia(video);
  return hls;
}

function show(id, text, className = "") {
  $(id).textContent = text;
  $(id).className = className;
}

function row(event) {
  const tr = document.createElement("tr");
  if (event.key.endsWith(".m3u8")) tr.className = "playlist";
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

function render({ stream, status, recent }) {
  if ($("url").value !== stream) $("url").value = stream;
  const started = status.newestSequence > 0;
  if (status.ended) show("state", "ended", "ended");
  else if (started) show("state", "live", "live");
  if (started) {
    show("sequence", `${status.mediaSequence} – ${status.newestSequence}`);
    show("lag", `${status.lagMs} ms`);
  }
  show("written", status.written);
  show("bucket", `${status.inBucket} (${(status.bytesInBucket / 1e6).toFixed(1)} MB)`);
  show("missing", status.missing, status.missing === 0 ? "good" : "bad");
  if (!status.ended && player && player.latency > 0) show("latency", `${player.latency.toFixed(1)} s`);
  $("recent").replaceChildren(...recent.reverse().map(row));
  if (started && !player && Date.now() >= retryAt && (!status.ended || video.currentTime === 0)) player = play(stream);
}

async function poll() {
  try {
    const response = await fetch("status", { signal: AbortSignal.timeout(5000) });
    if (!response.ok) throw new Error(`status ${response.status}`);
    render(await response.json());
  } catch (error) {
    show("state", "the demo does not answer", "waiting");
  }
  setTimeout(poll, 1000);
}

$("copy").addEventListener("click", async () => {
  $("url").select();
  try {
    await navigator.clipboard.writeText($("url").value);
    $("copy").textContent = "Copied";
    setTimeout(() => ($("copy").textContent = "Copy"), 1500);
  } catch {
    // No permission: the URL stays selected for the keyboard.
  }
});

poll();
