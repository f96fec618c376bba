// The view of what happened last, and lists of events elsewhere.

import { h, put, age, day, clock, count } from "./show.js";
import { events } from "./state.js";

// row returns an event's row. Its stream is named if there are several.
export function row(event, named = true) {
  const today = new Date(event.time).toDateString() === new Date().toDateString();
  return h("tr", { class: "event " + (event.level ?? "info") },
    h("td", { class: "time" }, h("time", { datetime: event.time, title: day(event.time) }, today ? clock(event.time) : day(event.time))),
    h("td", { class: "level" }, (event.level ?? "info").toLowerCase()),
    named ? h("td", { class: "stream" }, event.stream
      ? h("a", { href: "#/?q=" + encodeURIComponent(event.stream) }, event.stream) : "") : null,
    h("td", { class: "text" }, event.text),
    h("td", { class: "lasted number" }, event.lasted_ns ? age(event.lasted_ns / 1e9) : ""));
}

// head returns the head of a table of events.
export function head(named = true) {
  return h("thead", {}, h("tr", {}, ...["Time", "Level", ...(named ? ["Stream"] : []), "What happened", "Lasted"]
    .map((title) => h("th", { scope: "col", class: title === "Lasted" ? "number" : "" }, title))));
}

// The view of all events, the newest first.
export class EventsView {
  constructor(query) {
    this.title = "Events";
    this.text = query.get("q") ?? "";
    this.troubles = query.get("level") === "warn";
    this.search = h("input", { type: "search", value: this.text, placeholder: "Filter by words", "aria-label": "Filter by words",
      oninput: () => { this.text = this.search.value; this.write(); } });
    this.choice = h("button", { type: "button", class: "chip", onclick: () => { this.troubles = !this.troubles; this.write(); } }, "only troubles and their ends");
    this.shown = h("p", { class: "shown faint" });
    this.body = h("tbody");
    this.element = h("section", { "aria-label": "Events" }, h("h1", { class: "unseen" }, "Events"),
      h("div", { class: "tools" }, this.search, h("div", { class: "chips" }, this.choice), this.shown),
      h("table", { class: "list events", "aria-label": "Events, the newest first" }, head(), this.body));
    this.list();
  }

  write() {
    const query = new URLSearchParams();
    if (this.text) query.set("q", this.text);
    if (this.troubles) query.set("level", "warn");
    const text = query.toString();
    history.replaceState(null, "", "#/events" + (text ? "?" + text : ""));
    this.list();
  }

  render(_, name) {
    if (name === "events") this.list();
  }

  tick() {}

  list() {
    const words = this.text.toLowerCase();
    const matching = events.filter((event) => (!this.troubles || event.level !== "info") &&
      (!words || [event.stream, event.text, event.kind, event.format].join(" ").toLowerCase().includes(words)));
    this.choice.setAttribute("aria-pressed", String(this.troubles));
    put(this.shown, events.length ? `the last ${count(matching.length, "event")}` : "no events yet");
    this.body.replaceChildren(...matching.reverse().map((event) => row(event)));
  }
}
