// The page: which view is shown, the one line on all streams, and whether the daemon is there.

import { h, put, reshape, shape, age, clock } from "./show.js";
import { follow, read, ways } from "./feed.js";
import { ago, connection, events, keptEvents, addEvents, learn, overall, tidy } from "./state.js";
import { StreamsView } from "./streams.js";
import { StreamView } from "./stream.js";
import { EventsView } from "./events.js";
import { PluginsView } from "./plugins.js";
import { ConfigView } from "./config.js";

const $ = (id) => document.getElementById(id);

const views = { "": StreamsView, stream: StreamView, events: EventsView, plugins: PluginsView, config: ConfigView };

let view = null;
let host = "";

// show shows the view that the URL names.
function show() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const slash = path.indexOf("/");
  const name = slash < 0 ? path : path.slice(0, slash);
  const View = views[name] ?? StreamsView;
  view?.leave?.();
  view = new View(new URLSearchParams(query), slash < 0 ? "" : decodeURI(path.slice(slash + 1)));
  $("view").replaceChildren(view.element);
  for (const link of document.querySelectorAll("nav a")) {
    const current = link.dataset.view === (name === "" || name === "stream" ? "streams" : name);
    if (current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  title();
}

function title() {
  document.title = `${view.title} · ${host || "ems-sidecar"}`;
}

const worst = shape("starting");
const line = document.createElement("span");
$("overall").append(worst, line);

// summarize writes the one line on all streams.
function summarize() {
  const { state, text } = overall();
  reshape(worst, state);
  $("overall").dataset.state = state;
  put(line, connection.asOf ? text : "connecting to the daemon");
}

function connected() {
  const silent = !connection.open || connection.problem;
  document.body.classList.toggle("silent", Boolean(silent && connection.asOf));
  $("connection").className = "connection " + (silent ? "closed" : "open");
  if (!silent) put($("connection"), "connected");
  else if (!connection.asOf) put($("connection"), "connecting");
  else if (connection.open) put($("connection"), `${connection.problem}, as of ${clock(connection.asOf)}`);
  else put($("connection"), `not connected, as of ${clock(connection.asOf)}`);
}

// introduce asks the daemon who it is, and for what happened before.
async function introduce() {
  const version = await read("version");
  host = version.host;
  put($("host"), host);
  $("host").title = `ems-sidecar ${version.version}, started at ${version.started}`;
  title();
}

const lookEvery = 10_000; // ms
const mostUnseen = 20; // directories that are shown

// look asks for the directories that cannot be read: streams there are in no list.
async function look() {
  const { directories } = await read("directories");
  const unseen = directories.flatMap((directory) => directory.unseen);
  const lines = unseen.slice(0, mostUnseen).map((u) =>
    `cannot read ${u.directory}: ${u.why}, since ${age(ago(u.since))}; streams there are not in the list`);
  if (unseen.length > mostUnseen) lines.push(`and ${unseen.length - mostUnseen} more directories`);
  $("unseen").replaceChildren(...lines.map((line) => h("li", {}, line)));
  $("unseen").hidden = lines.length === 0;
}

let caughtUp = false;

// catchUp asks for the events up to the newest, which happened before the page was open.
async function catchUp(newest) {
  if (events.length && events.at(-1).id > newest) {
    events.length = 0; // of a history that was lost
    caughtUp = false;
  }
  if (caughtUp) return;
  caughtUp = true;
  const page = await read(`events?since=${Math.max(0, newest - keptEvents)}`).catch((error) => {
    caughtUp = false;
    throw error;
  });
  addEvents(page.events);
  view.render([], "events");
}

const complain = (error) => console.warn("ems-sidecar:", error.message);

let asking = null; // one dialog is for all who ask at the same time

ways.askForToken = (last) => (asking ??= new Promise((resolve) => {
  const dialog = $("ask");
  put($("ask-wrong"), last ? "This is not the token." : "");
  $("token").value = "";
  dialog.addEventListener("close", () => resolve($("token").value.trim()), { once: true });
  dialog.showModal();
}).finally(() => (asking = null)));

follow({
  open() {
    introduce().then(look).catch(complain);
  },
  event(name, data, id) {
    connection.open = true;
    if (name === "streams") catchUp(Number(id) || 0).catch(complain);
    const changed = learn(name, data);
    connected();
    summarize();
    view.render(changed, name);
  },
  closed() {
    connection.open = false;
    connected();
    summarize();
    view.render([], "closed");
  },
});

setInterval(() => {
  if (document.hidden) return;
  if (tidy()) {
    summarize();
    view.render(null);
  }
  view.tick(Math.floor(Date.now() / 1000));
}, 1000);

setInterval(() => {
  if (!document.hidden && connection.open) look().catch(complain);
}, lookEvery);

addEventListener("hashchange", () => {
  show();
  $("main").focus({ preventScroll: true });
  scrollTo(0, 0);
});
show();
summarize();
connected();
