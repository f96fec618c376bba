// HLS, played by hls.js.

import { addVideo, load } from "./player.js";

// play plays the stream in the box. It calls stopped when it cannot go on.
export function play(box, url, stopped) {
  let hls = null;
  load("hls.light.min.js").then(() => {
    const video = addVideo(box);
    if (!Hls.isSupported()) {
      video.src = url; // an iPhone plays HLS itself
      return;
    }
    hls = new Hls({ enableWorker: true });
    hls.on(Hls.Events.ERROR, (_, error) => {
      if (!error.fatal) return;
      hls.destroy();
      stopped(`${error.type} ${error.details}`);
    });
    hls.loadSource(url);
    hls.attachMedia(video);
  }, stopped);
  return { latency: () => (hls?.latency > 0 ? `${hls.latency.toFixed(1)} s` : "") };
}
