// A line of the lag of the last ten minutes. All have the same scale, a logarithmic one, so that
// streams can be compared: 10 ms is at the bottom, and a minute at the top.

import { s, duration } from "./show.js";

const width = 96;
const height = 20;
const low = Math.log10(0.01);
const high = Math.log10(60);

const y = (lag) => height - 1.5 - ((Math.min(Math.max(Math.log10(lag), low), high) - low) / (high - low)) * (height - 3);

export class Sparkline {
  constructor(lags, label = false) {
    this.lags = lags;
    this.label = label;
    this.path = s("path", { class: "line" });
    this.dot = s("circle", { r: 1.8, class: "dot", visibility: "hidden" });
    this.element = s("svg", { class: "spark", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none" });
    if (label) for (const lag of [0.1, 1, 10]) this.element.append(s("path", { class: "grid", d: `M0 ${y(lag)}H${width}` }));
    this.element.append(this.path);
    if (!label) this.element.append(this.dot);
    if (label) this.element.setAttribute("role", "img");
    else this.element.setAttribute("aria-hidden", "true");
  }

  draw(stream) {
    const lags = this.lags(stream);
    const step = width / (lags.length - 1);
    let path = "";
    let pen = false;
    let newest = -1;
    lags.forEach((lag, i) => {
      if (lag === undefined) {
        // A stream of long chunks has none in many slots. A gap is only where it was silent for long.
        if (newest >= 0 && i - newest > Math.max(3, Math.ceil((stream.target_seconds ?? 10) * 3 / 10))) pen = false;
        return;
      }
      path += `${pen ? "L" : "M"}${(i * step).toFixed(1)} ${y(lag).toFixed(1)}`;
      if (!pen) path += "h.5"; // one alone is seen, too
      pen = true;
      newest = i;
    });
    if (this.path.getAttribute("d") !== path) this.path.setAttribute("d", path);
    this.dot.setAttribute("visibility", newest >= 0 ? "visible" : "hidden");
    if (newest >= 0) {
      this.dot.setAttribute("cx", Math.min(width - 2, newest * step).toFixed(1));
      this.dot.setAttribute("cy", y(lags[newest]).toFixed(1));
    }
    if (this.label) {
      const known = lags.filter((lag) => lag !== undefined);
      this.element.setAttribute("aria-label", known.length
        ? `lag of the last ten minutes, from ${duration(Math.min(...known))} to ${duration(Math.max(...known))}` : "no lag in the last ten minutes");
    }
  }
}
