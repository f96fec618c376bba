// The view of the plugins: what EMS was asked, for which stream, and with what answer.

import { h, clock, day } from "./show.js";
import { read } from "./feed.js";

const every = 5; // seconds

export class PluginsView {
  constructor() {
    this.title = "Plugins";
    this.element = h("section", { "aria-label": "Plugins" }, h("p", { class: "faint" }, "asking the daemon"));
    this.load();
  }

  render(_, name) {
    if (name === "streams") this.load();
  }

  tick(second) {
    if (second % every === 0) this.load();
  }

  async load() {
    let answer;
    try {
      answer = await read("plugins");
    } catch {
      return; // the line at the top says that the daemon is gone
    }
    const text = JSON.stringify(answer);
    if (text === this.last) return;
    this.last = text;
    if (answer === null) {
      this.element.replaceChildren(h("p", { class: "faint" }, "Not available: this daemon does not tell of its plugins."));
      return;
    }
    this.element.replaceChildren(...parts(answer));
  }
}

// parts shows what the daemon says of its plugins.
function parts(answer) {
  const orders = [...(answer.orders ?? [])].reverse();
  const on = (answer.plugins ?? []).map((plugin) => plugin.name ?? plugin);
  return [
    h("p", { class: "faint" }, on.length ? "On: " + on.join(", ") : "No plugin is on: EMS is asked for nothing."),
    h("table", { class: "list orders", "aria-label": "What EMS was asked, the newest first" },
      h("thead", {}, h("tr", {}, ...["Time", "Plugin", "Stream", "Asked", "Answer"].map((title) => h("th", { scope: "col" }, title)))),
      h("tbody", {}, ...orders.map((order) => h("tr", { class: order.error ? "failed" : "" },
        h("td", { class: "time" }, h("time", { datetime: order.time, title: day(order.time) }, clock(order.time))),
        h("td", {}, order.plugin ?? ""), h("td", {}, order.stream ?? ""), h("td", {}, order.asked ?? order.order ?? ""),
        h("td", { class: "text" }, order.error || order.answer || ""))))),
  ];
}
