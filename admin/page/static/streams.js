// The view of all streams: a table, the worst first, that stays fast with thousands of them.

import { h, kind, put, shape, reshape, states, suffers, duration, age, number, count } from "./show.js";
import { streams, counts, ago, lags } from "./state.js";
import { Sparkline } from "./sparkline.js";

const all = 150; // so many rows are drawn whole; of more, those that can be seen
const margin = 12; // rows above and below those
const resortEvery = 5000; // ms; what is sorted by an age would not stand still otherwise

const byName = (a, b) => (a.stream < b.stream ? -1 : a.stream > b.stream ? 1 : a.id < b.id ? -1 : 1);
const last = (n) => (Number.isNaN(n) ? Infinity : n); // what is not known goes last

// columns are what can be sorted by. The first order of each shows what is worst, or the first name.
const columns = {
  state: { title: "State", compare: (a, b) => states.indexOf(a.state) - states.indexOf(b.state) },
  stream: { title: "Stream", compare: byName },
  since: { title: "For", number: true, moves: true, compare: (a, b) => Date.parse(b.since) - Date.parse(a.since) },
  chunk: { title: "Chunk", number: true, moves: true, tip: "Age of the newest chunk on the disk",
    compare: (a, b) => last(ago(b.chunk_at)) - last(ago(a.chunk_at)) || 0 },
  edge: { title: "Edge", number: true, moves: true, tip: "Age of the newest chunk that viewers know of",
    compare: (a, b) => last(ago(b.edge_at)) - last(ago(a.edge_at)) || 0 },
  lag: { title: "Lag, 10 min", moves: true, tip: "From a chunk's closing to the manifest that names it",
    compare: (a, b) => b.lag_seconds - a.lag_seconds },
  backlog: { title: "Backlog", number: true, moves: true, tip: "Chunks that wait for their upload",
    compare: (a, b) => b.backlog - a.backlog },
  why: { title: "Why" },
};

// A Row is one stream's.
class Row {
  constructor(stream) {
    this.shape = shape(stream.state);
    this.state = h("span");
    this.link = h("a", { href: "#/stream/" + encodeURI(stream.id) });
    const slash = stream.stream.lastIndexOf("/") + 1;
    if (slash) this.link.append(h("span", { class: "group" }, stream.stream.slice(0, slash)));
    this.link.append(stream.stream.slice(slash));
    this.spark = new Sparkline(lags);
    this.lag = h("span");
    const cell = (name, ...children) => h("td", { role: "cell", class: name }, ...children);
    this.cells = Object.fromEntries(["since", "chunk", "edge", "backlog", "why"].map((name) => [name, cell(name)]));
    this.element = h("tr", { role: "row" },
      cell("state", this.shape, this.state),
      h("th", { role: "rowheader", scope: "row", class: "stream" }, this.link, " ", h("span", { class: "format" }, kind(stream))),
      this.cells.since, this.cells.chunk, this.cells.edge,
      cell("lag", this.spark.element, this.lag),
      this.cells.backlog, this.cells.why);
  }

  render(stream, drawn) {
    const { since, chunk, edge, backlog, why } = this.cells;
    if (this.drawnState !== stream.state) {
      reshape(this.shape, stream.state);
      put(this.state, stream.state);
      this.drawnState = stream.state;
    }
    this.element.className = (stream.missing ? "missing " : "") + (suffers(stream.state) ? "suffers " + stream.state : stream.state);
    put(since, age(ago(stream.since)));
    put(chunk, stream.chunk_at ? age(ago(stream.chunk_at)) : "–");
    put(edge, stream.edge_at ? age(ago(stream.edge_at)) : "–");
    put(this.lag, stream.lag_seconds ? duration(stream.lag_seconds) : "–");
    put(backlog, stream.backlog ? number(stream.backlog) : "0");
    const reason = stream.why || "";
    if (why.textContent !== reason) {
      put(why, reason);
      why.title = reason;
    }
    if (drawn) this.spark.draw(stream);
  }
}

// The view of all streams.
export class StreamsView {
  constructor(query) {
    this.rows = new Map();
    this.order = [];
    this.sortedAt = 0;
    this.title = "Streams";
    this.read(query);
    this.build();
    this.onscroll = () => {
      this.scrolled ??= requestAnimationFrame(() => {
        this.scrolled = null;
        this.draw();
      });
    };
    addEventListener("scroll", this.onscroll, { passive: true });
    addEventListener("resize", this.onscroll);
    this.render(null);
  }

  leave() {
    removeEventListener("scroll", this.onscroll);
    removeEventListener("resize", this.onscroll);
  }

  // read takes over what the URL says.
  read(query) {
    this.text = query.get("q") ?? "";
    this.only = new Set((query.get("state") ?? "").split(",").filter((state) => states.includes(state)));
    this.sort = columns[query.get("sort")]?.compare ? query.get("sort") : "state";
    this.reverse = query.get("order") === "reverse";
  }

  // write keeps in the URL what is shown.
  write() {
    const query = new URLSearchParams();
    if (this.text) query.set("q", this.text);
    if (this.only.size) query.set("state", [...this.only].join(","));
    if (this.sort !== "state") query.set("sort", this.sort);
    if (this.reverse) query.set("order", "reverse");
    const text = query.toString();
    history.replaceState(null, "", "#/" + (text ? "?" + text : ""));
    this.render(null);
  }

  build() {
    this.search = h("input", { type: "search", id: "filter", value: this.text, placeholder: "Filter by name", "aria-label": "Filter by name",
      oninput: () => { this.text = this.search.value; this.write(); } });
    this.chips = {};
    for (const state of states) {
      const n = h("span", { class: "n" });
      const chip = h("button", { type: "button", class: "chip", "aria-pressed": "false",
        onclick: () => { this.only.has(state) ? this.only.delete(state) : this.only.add(state); this.write(); } },
        shape(state), h("span", {}, state), n);
      this.chips[state] = { chip, n };
    }
    this.choice = h("select", { id: "sort", onchange: () => { this.sort = this.choice.value; this.reverse = false; this.write(); } },
      ...Object.entries(columns).filter(([, c]) => c.compare).map(([name, c]) => h("option", { value: name }, c.title)));
    this.heads = {};
    const head = h("tr", { role: "row" }, ...Object.entries(columns).map(([name, column]) => {
      const label = column.compare
        ? h("button", { type: "button", title: column.tip, onclick: () => this.sortBy(name) }, column.title, h("span", { class: "arrow", "aria-hidden": "true" }))
        : column.title;
      return (this.heads[name] = h("th", { role: "columnheader", scope: "col", class: name }, label));
    }));
    this.above = h("td");
    this.below = h("td");
    const space = (cell) => h("tbody", { "aria-hidden": "true", class: "space" }, h("tr", {}, cell));
    this.body = h("tbody", { role: "rowgroup" });
    this.table = h("table", { role: "table", class: "streams", "aria-label": "Streams" },
      h("thead", { role: "rowgroup" }, head), space(this.above), this.body, space(this.below));
    this.shown = h("p", { class: "shown faint" });
    this.element = h("section", { "aria-label": "Streams" }, h("h1", { class: "unseen" }, "Streams"),
      h("div", { class: "tools" }, this.search,
        h("div", { class: "chips", role: "group", "aria-label": "Show only" }, ...Object.values(this.chips).map(({ chip }) => chip)),
        h("label", { class: "sort", for: "sort" }, "Sort by ", this.choice), this.shown),
      this.table);
  }

  sortBy(name) {
    this.reverse = this.sort === name && !this.reverse;
    this.sort = name;
    this.write();
  }

  // render shows what has changed: the streams with these ids, or null for all.
  render(changed) {
    if (changed === null || changed.some((id) => this.moved(id))) this.arrange();
    const n = counts();
    for (const [state, { chip, n: label }] of Object.entries(this.chips)) {
      put(label, number(n[state]));
      chip.hidden = n[state] === 0 && !this.only.has(state);
      chip.setAttribute("aria-pressed", String(this.only.has(state)));
    }
    for (const [name, head] of Object.entries(this.heads)) {
      if (name === this.sort) head.setAttribute("aria-sort", this.reverse ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
    this.choice.value = this.sort;
    this.draw(changed);
  }

  // moved tells whether a stream may have another place now.
  moved(id) {
    const stream = streams.get(id);
    const place = stream.state + " " + this.matches(stream);
    const was = stream.place;
    stream.place = place;
    return was !== place;
  }

  matches(stream) {
    return (!this.only.size || this.only.has(stream.state)) &&
      (!this.text || (stream.stream + " " + kind(stream)).toLowerCase().includes(this.text.toLowerCase()));
  }

  // arrange chooses the streams that are shown, and sorts them.
  arrange() {
    const { compare } = columns[this.sort];
    const sign = this.reverse ? -1 : 1;
    this.order = [...streams.values()].filter((stream) => this.matches(stream))
      .sort((a, b) => sign * compare(a, b) || columns.state.compare(a, b) || byName(a, b));
    this.sortedAt = Date.now();
    for (const id of this.rows.keys()) if (!streams.has(id)) this.rows.delete(id);
    this.table.setAttribute("aria-rowcount", this.order.length + 1);
    put(this.shown, this.order.length === streams.size ? count(streams.size, "stream") : `${number(this.order.length)} of ${count(streams.size, "stream")}`);
  }

  // tick lets the ages go on.
  tick(second) {
    if (columns[this.sort].moves && Date.now() - this.sortedAt > resortEvery) this.arrange();
    this.draw(second % 10 === 0 ? null : []);
  }

  // draw draws the rows that can be seen. Of those that have not changed, only the ages go on.
  draw(changed = []) {
    let first = 0;
    let end = this.order.length;
    if (end > all) {
      const height = this.rowHeight();
      const top = -this.table.getBoundingClientRect().top - this.table.tHead.offsetHeight;
      first = Math.max(0, Math.min(end - 1, Math.floor(top / height) - margin));
      end = Math.min(end, Math.ceil((top + innerHeight) / height) + margin);
      end = Math.max(end, Math.min(this.order.length, first + margin));
      this.above.style.height = `${first * height}px`;
      this.below.style.height = `${(this.order.length - end) * height}px`;
    } else {
      this.above.style.height = this.below.style.height = "0";
    }
    const drawn = this.order.slice(first, end).map((stream, i) => {
      let row = this.rows.get(stream.id);
      const fresh = !row || !row.element.isConnected;
      if (!row) this.rows.set(stream.id, (row = new Row(stream)));
      row.render(stream, fresh || changed === null || changed.includes(stream.id));
      const index = String(first + i + 2);
      if (row.element.getAttribute("aria-rowindex") !== index) row.element.setAttribute("aria-rowindex", index);
      return row.element;
    });
    replace(this.body, drawn);
    if (this.order.length > all) for (const [id, row] of this.rows) if (!row.element.isConnected) this.rows.delete(id);
  }

  rowHeight() {
    return parseFloat(getComputedStyle(this.table).getPropertyValue("--row"));
  }
}

// replace has the parent have these children, and moves as few as it can: one that is moved loses
// the focus.
function replace(parent, children) {
  const wanted = new Set(children);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  let at = parent.firstElementChild;
  for (const child of children) {
    if (child === at) at = at.nextElementSibling;
    else parent.insertBefore(child, at);
  }
}
