// The view of the settings that hold, and where each comes from. The daemon hides secrets.

import { h, put } from "./show.js";
import { read } from "./feed.js";

export class ConfigView {
  constructor(query) {
    this.title = "Config";
    this.text = query.get("q") ?? "";
    this.element = h("section", { "aria-label": "Config" }, h("h1", { class: "unseen" }, "Config"), h("p", { class: "faint" }, "asking the daemon"));
    this.load();
  }

  render(_, name) {
    if (name === "streams") this.load(); // it may have been started with another config
  }

  tick() {}

  async load() {
    let answer;
    try {
      answer = await read("config");
    } catch {
      return; // the line at the top says that the daemon is gone
    }
    if (answer === null) {
      this.element.replaceChildren(this.element.firstChild, h("p", { class: "faint" }, "Not available: this daemon does not tell its config."));
      return;
    }
    const search = h("input", { type: "search", value: this.text, placeholder: "Filter by words", "aria-label": "Filter by words",
      oninput: () => { this.text = search.value; filter(); } });
    const shown = h("p", { class: "shown faint" });
    const rows = answer.settings.map((setting) => h("tr", { class: setting.origin === "default" ? "default" : "" },
      h("td", { class: "key" }, `[${setting.section}]`), h("td", { class: "key" }, setting.key),
      h("td", { class: "value" }, setting.value || (setting.means ? `(${setting.means})` : "–")), h("td", {}, setting.where || setting.origin)));
    const filter = () => {
      let n = 0;
      for (const row of rows) {
        row.hidden = !row.textContent.toLowerCase().includes(this.text.toLowerCase());
        if (!row.hidden) n++;
      }
      put(shown, `${n} of ${rows.length} settings of ${answer.file || "no file"}`);
      const query = this.text ? "?" + new URLSearchParams({ q: this.text }) : "";
      history.replaceState(null, "", "#/config" + query);
    };
    this.element.replaceChildren(this.element.firstChild,
      h("div", { class: "tools" }, search, shown),
      h("table", { class: "list config", "aria-label": "Settings" },
        h("thead", {}, h("tr", {}, ...["Section", "Key", "Value", "From"].map((title) => h("th", { scope: "col" }, title)))),
        h("tbody", {}, ...rows)));
    filter();
  }
}
