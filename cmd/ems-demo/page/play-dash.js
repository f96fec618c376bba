// DASH, played by dash.js.

import { addVideo, load } from "./player.js";

// How far behind the live edge the player keeps, in seconds. EMS's manifest suggests 10, which leaves nothing: a chunk
// of 4 s is listed when it is over, the manifest is read every 5 s, and its availabilityStartTime, in whole
// seconds, is up to a second early.
const delay = 12;

// EMS's video chunks last 4 s, and each begins with the sound, up to 18 ms behind the end of the one before it. dash.js
// looks for the next chunk 10 ms behind that end, finds none, and waits for ever. So the manifest that
// it gets has chunks which are 20 ms longer.
const gap = 20;

function closeGaps(response) {
  if (response.request.customData.request.type === "MPD" && typeof response.data === "string") {
    response.data = response.data.replace(/<S d="(\d+)"/g, (_, duration) => `<S d="${Number(duration) + gap}"`);
  }
  return Promise.resolve(response);
}

// play plays the stream in the box. It calls stopped when it cannot go on.
export function play(box, url, stopped) {
  let player = null;
  load("dash.mediaplayer.min.js").then(() => {
    player = dashjs.MediaPlayer().create();
    player.updateSettings({ streaming: { delay: { liveDelay: delay } } });
    // Where the live edge is follows from the clock, and the browser's may be wrong. EMS's manifest names no clock, and
    // dash.js would ask one in the internet.
    player.clearDefaultUTCTimingSources();
    player.addUTCTimingSource("urn:mpeg:dash:utc:http-xsdate:2014", new URL("time", location).href);
    player.addResponseInterceptor(closeGaps);
    player.on("error", ({ error }) => {
      const broken = player;
      if (!broken) return;
      player = null;
      setTimeout(() => broken.destroy()); // not while it tells of the error
      stopped(error.message);
    });
    player.initialize(addVideo(box), url, true);
  }, stopped);
  return {
    latency: () => {
      const behind = player?.isReady() ? player.getCurrentLiveLatency() : NaN;
      return behind > 0 ? `${behind.toFixed(1)} s` : "";
    },
  };
}
