// The view of the plugins: what EMS was asked, for which stream, and with what answer.

import { h, shape, clock, day, duration } from "./show.js";
import { read } from "./feed.js";

const every = 5; // seconds

export class PluginsView {
  constructor() {
    this.title = "Plugins";
    this.element = h("section", { "aria-label": "Plugins" }, h("h1", { class: "unseen" }, "Plugins"), h("p", { class: "faint" }, "asking the daemon"));
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
      this.show(h("p", { class: "faint" }, "Not available: this daemon does not tell of its plugins."));
      return;
    }
    this.show(...parts(answer));
  }

  show(...content) {
    this.element.replaceChildren(this.element.firstChild, ...content);
  }
}

// parts shows what the daemon says of its plugins.
function parts({ plugins, ems, actions }) {
  if (!ems && !plugins.length && !actions.length) return [h("p", { class: "lead" }, "No plugin is on.")];
  const server = !ems ? "" : ems.since === null ? `EMS at ${ems.api} was not asked yet.`
    : `EMS at ${ems.api} ${ems.answers ? "answers" : "does not answer"} since ${day(ems.since)}${ems.error ? ": " + ems.error : "."}`;
  return [
    h("p", { class: "lead" }, plugins.length ? `On: ${plugins.join(", ")}.` : "No plugin is on."),
    server ? h("p", { class: "lead" }, shape(ems.answers ? "live" : ems.since === null ? "starting" : "failing"), " ", server) : null,
    actions.length === 0 ? h("p", { class: "faint" }, "EMS was asked for nothing in this run of the daemon.")
      : h("table", { class: "list orders", "aria-label": "What EMS was asked, the newest first" },
        h("thead", {}, h("tr", {}, ...["Time", "Plugin", "Stream", "Asked for", "Of", "Took", "Answer"].map((title) =>
          h("th", { scope: "col", class: title === "Took" ? "number" : "" }, title)))),
        h("tbody", {}, ...[...actions].reverse().map((a) => h("tr", { class: a.done ? "" : "failed" },
          h("td", { class: "time" }, h("time", { datetime: a.at, title: day(a.at) }, clock(a.at))),
          h("td", {}, a.plugin), h("td", { class: "text" }, a.stream ?? ""), h("td", {}, a.function), h("td", { class: "key" }, a.api),
          h("td", { class: "number" }, duration(a.took_seconds)),
          h("td", { class: "text" }, (a.done ? "" : "refused: ") + (a.answer || "done")))))),
  ].filter(Boolean);
}
