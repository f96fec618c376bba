// What the players of HLS and DASH have in common.

// addVideo puts a video in place of what is in the box.
export function addVideo(box) {
  const video = document.createElement("video");
  Object.assign(video, { muted: true, autoplay: true, playsInline: true, controls: true });
  box.replaceChildren(video);
  return video;
}

const scripts = new Map();

// load runs a script once: a player's, which is as large as all else, is only loaded if it is needed.
export function load(src) {
  if (!scripts.has(src)) {
    scripts.set(
      src,
      new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = src;
        script.onload = resolve;
        script.onerror = () => {
          scripts.delete(src);
          reject(new Error(`${src} does not load`));
        };
        document.head.append(script);
      }),
    );
  }
  return scripts.get(src);
}
