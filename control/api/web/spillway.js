/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The page asks /api/v1/live once a second and draws what it tells. Text from outside goes into
 * the document as text only. */
"use strict";

const PERIOD_MS = 1000;
const KEEP = 300;
const LIMITS = [ // name in JSON, what it is called, colour
  ["requests", "they ask for nothing more", "#8aa0b4"],
  ["disk", "the disk", "#d98324"],
  ["window", "their own window", "#6b5b95"],
  ["congestion", "congestion on the path", "#b5485d"],
  ["pacing", "pacing or a limit", "#b9a44c"],
  ["recovery", "losses being repaired", "#8a3b2e"],
  ["sending", "nothing: as fast as we can", "#2c8a5b"],
];
const TIMES = [
  ["service", "request to block handed to TCP"],
  ["disk_read", "read from the disk"],
  ["first_piece", "handshake to first block"],
];

const $ = (id) => document.getElementById(id);
const history = []; // {at_ms, upload}
let before = null;
let hover = null;

/* ---- Quantities. */

function bytes(value, suffix = "") {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let unit = 0;
  while (value >= 999.5 && unit + 1 < units.length) {
    value /= 1024;
    unit++;
  }
  return `${value.toFixed(unit > 0 && value < 99.95 ? 1 : 0)} ${units[unit]}${suffix}`;
}

function delay(us) {
  if (us === null || us === undefined) return "-";
  if (us < 1000) return `${us} µs`;
  const ms = us / 1000;
  return ms < 1000 ? `${ms.toFixed(ms < 10 ? 2 : ms < 100 ? 1 : 0)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

const count = (value) => value.toLocaleString("en");

/* ---- Building the document. */

function element(name, text, css) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (css) made.className = css;
  return made;
}

function shape(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

/* table fills a table. columns: [heading, class]; rows: arrays of texts. */
function table(id, columns, rows, empty) {
  const head = element("tr");
  for (const [text, css] of columns) head.append(element("th", text, css));
  const body = rows.map((row) => {
    const line = element("tr");
    row.forEach((text, i) => {
      const cell = element("td", text, columns[i][1]);
      if (columns[i][1] && columns[i][1].includes("name")) cell.title = text;
      line.append(cell);
    });
    return line;
  });
  if (rows.length === 0) {
    const line = element("tr");
    const cell = element("td", empty, "text quiet");
    cell.colSpan = columns.length;
    line.append(cell);
    body.push(line);
  }
  $(id).replaceChildren(head, ...body);
}

/* ---- What is drawn. */

function tiles(live, rates) {
  const states = live.torrents.by_state;
  const all = Object.values(states).reduce((sum, n) => sum + n, 0);
  const rest = Object.entries(states).filter(([name]) => name !== "seeding")
    .map(([name, n]) => `${count(n)} ${name === "error" ? "in error" : name}`).join(", ");
  const made = [
    [bytes(live.upload_bytes_per_s, "/s"), "upload"],
    [count(live.peers.count), "peers"],
    [count(states.seeding || 0), `of ${count(all)} torrents seeding${rest ? `; ${rest}` : ""}`],
    [bytes(rates.disk, "/s"), "read from disk"],
    [rates.cores.toFixed(2), "CPU cores of the dataplane"],
    [bytes(live.totals.uploaded_bytes), "uploaded ever"],
  ].map(([value, name]) => {
    const tile = element("div", undefined, "tile");
    tile.append(element("b", value), element("span", name));
    return tile;
  });
  $("tiles").replaceChildren(...made);
}

/* steps returns the heights of grid lines up to at least top, in powers of two that read well. */
function steps(top) {
  let step = 1024;
  while (step * 4 < top) step *= 2;
  const out = [];
  for (let at = 0; at < top + step; at += step) out.push(at);
  return out;
}

function uploadPlot() {
  const svg = $("upload");
  const width = svg.clientWidth, height = svg.clientHeight;
  const left = 82, right = 8, top = 8, bottom = 20;
  const lines = steps(Math.max(1, ...history.map((h) => h.upload)));
  const highest = lines[lines.length - 1];
  const x = (i) => left + (width - left - right) * (i + KEEP - history.length) / (KEEP - 1);
  const y = (value) => height - bottom - (height - top - bottom) * value / highest;
  const parts = lines.flatMap((value) => [
    shape("line", { class: "grid", x1: left, x2: width - right, y1: y(value), y2: y(value) }),
    shape("text", { x: left - 8, y: y(value) + 4, "text-anchor": "end" }, bytes(value, "/s")),
  ]);
  const ago = width < 520 ? "min" : "min ago";
  for (let minute = 0; minute <= 5; minute++) {
    const at = left + (width - left - right) * (5 - minute) / 5;
    parts.push(shape("text", { x: at, y: height - 4, "text-anchor": minute ? "middle" : "end" },
      minute ? `${minute} ${ago}` : "now"));
  }
  if (history.length > 1) {
    const line = history.map((h, i) => `${x(i).toFixed(1)} ${y(h.upload).toFixed(1)}`).join("L");
    parts.push(shape("path", { class: "under",
      d: `M${line}L${x(history.length - 1)} ${y(0)}L${x(0)} ${y(0)}Z` }));
    parts.push(shape("path", { class: "flow", d: `M${line}` }));
  }
  svg.replaceChildren(...parts);
  markDraw(svg, x, y);
}

/* markDraw shows what the plot says where the pointer is. */
function markDraw(svg, x, y) {
  $("upload-read").textContent = "";
  if (hover === null || history.length === 0) return;
  let nearest = 0;
  for (let i = 1; i < history.length; i++) {
    if (Math.abs(x(i) - hover) < Math.abs(x(nearest) - hover)) nearest = i;
  }
  const ago = Math.round((history[history.length - 1].at_ms - history[nearest].at_ms) / 1000);
  svg.append(shape("line", { class: "mark", x1: x(nearest), x2: x(nearest), y1: 8, y2: y(0) }));
  $("upload-read").textContent = `${bytes(history[nearest].upload, "/s")}, ${ago} s ago`;
}

function limitBar(parts, values, y, width, name) {
  const sum = LIMITS.reduce((all, [limit]) => all + (values[limit] || 0), 0);
  let at = 0;
  parts.push(shape("text", { x: 0, y: y - 5 }, sum ? name : `${name}: no peers`));
  parts.push(shape("rect", { x: 0, y, width, height: 22, rx: 3, fill: "var(--card)" }));
  for (const [limit, text, colour] of LIMITS) {
    const wide = sum ? width * (values[limit] || 0) / sum : 0;
    if (wide <= 0) continue;
    const part = shape("rect", { x: at, y, width: wide, height: 22, fill: colour });
    part.append(shape("title", {}, `${text}: ${(100 * wide / width).toFixed(1)} %`));
    parts.push(part);
    at += wide;
  }
  return sum;
}

function limits(live) {
  const svg = $("limits"), parts = [];
  const width = svg.clientWidth;
  const now = live.peers.limited_now, ever = live.peers.limited_us;
  const sum = limitBar(parts, ever, 16, width, "over all the time that they are connected");
  limitBar(parts, now, 64, width, "now");
  svg.replaceChildren(...parts);
  $("limit-names").replaceChildren(...LIMITS.map(([limit, text, colour]) => {
    const item = element("li"), mark = element("i");
    mark.style.background = colour;
    const share = sum ? ` ${(100 * ever[limit] / sum).toFixed(0)} %` : "";
    item.append(mark, document.createTextNode(text + share));
    return item;
  }));
}

function latency(live) {
  table("latency", [["", "text"], ["half", ""], ["99 %", ""], ["99.9 %", ""], ["times", ""]],
    TIMES.filter(([name]) => live.latency[name]).map(([name, text]) => {
      const one = live.latency[name];
      return [text, delay(one.p50), delay(one.p99), delay(one.p99_9), count(one.count)];
    }), "the dataplane is not running");
}

function torrents(live) {
  const shown = live.torrents.fastest;
  $("torrent-note").textContent = shown.length ? "served now, the fastest first" : "";
  table("torrents", [["name", "text name"], ["rate", ""], ["peers", ""], ["uploaded", ""],
    ["size", ""], ["info hash", "text"]],
  shown.map((t) => [t.name, bytes(t.rate_bytes_per_s, "/s"), count(t.peers),
    bytes(t.uploaded_bytes), bytes(t.size_bytes), t.info_hash.slice(0, 8)]),
  "nobody asks for any");
}

function ailing(live) {
  const shown = live.torrents.ailing, all = live.torrents.ailing_count;
  $("ailing-part").hidden = all === 0;
  $("ailing-note").textContent = shown.length < all ? `${shown.length} of ${count(all)}` : "";
  table("ailing", [["name", "text name"], ["state", "text"], ["why", "text wide"],
    ["info hash", "text"]],
  shown.map((t) => [t.name, t.state,
    t.reason || `${count(t.pieces - t.pieces_had)} of ${count(t.pieces)} pieces are not served`,
    t.info_hash.slice(0, 8)]), "");
}

function peers(live) {
  const called = Object.fromEntries(LIMITS.map(([limit, text]) => [limit, text]));
  const shown = live.peers.fastest;
  $("peer-note").textContent = shown.length < live.peers.count
    ? `the fastest ${shown.length} of ${count(live.peers.count)}` : "";
  table("peers", [["address", "text"], ["client", "text"], ["rate", ""], ["RTT", ""], ["sent", ""],
    ["limited by", "text"], ["torrent", "text name"]],
  shown.map((p) => [p.address, p.client || "", bytes(p.rate_bytes_per_s, "/s"), delay(p.rtt_us),
    bytes(p.acked_bytes), called[p.limit] || p.limit, p.torrent || ""]), "none is connected");
}

function dropped(live, rates) {
  table("dropped", [["counter", "text"], ["what", "text wide"], ["in all", ""], ["per second", ""]],
    live.refused.map((c) => [c.name, c.text, count(c.value), rates.counter(c).toFixed(0)]),
    "nothing");
}

/* ratesOf makes rates of the difference to the answer before. */
function ratesOf(live) {
  const span = before && before.dataplane.boot === live.dataplane.boot
    ? (live.at_ms - before.at_ms) / 1000 : 0;
  const since = (now, then) => (span > 0 ? Math.max(0, now - then) / span : 0);
  const old = Object.fromEntries((before ? before.refused : []).map((c) => [c.name, c.value]));
  return {
    disk: since(live.totals.disk_bytes, before ? before.totals.disk_bytes : 0),
    cores: since(live.totals.dataplane_cpu_seconds,
      before ? before.totals.dataplane_cpu_seconds : 0),
    counter: (c) => since(c.value, old[c.name] || 0),
  };
}

function state(text, css) {
  $("state").textContent = text;
  $("state").className = `state ${css}`;
}

function draw(live) {
  const rates = ratesOf(live);
  history.push({ at_ms: live.at_ms, upload: live.upload_bytes_per_s });
  if (history.length > KEEP) history.shift();
  state(live.dataplane.running ? "serving" : "the dataplane is down",
    live.dataplane.running ? "good" : "bad");
  $("port").textContent = `${live.dataplane.port} · Spillway ${live.version}`;
  $("page").hidden = false;
  tiles(live, rates);
  uploadPlot();
  limits(live);
  latency(live);
  ailing(live);
  torrents(live);
  peers(live);
  dropped(live, rates);
  before = live;
}

/* ---- Asking. */

function ask() {
  const token = sessionStorage.getItem("token");
  if (!token) {
    loginShow("");
    return;
  }
  fetch("api/v1/live", { headers: { Authorization: `Bearer ${token}` } })
    .then((answer) => {
      if (answer.status === 401) throw new Error("token");
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      return answer.json();
    })
    .then((live) => {
      $("login").hidden = true;
      draw(live);
      setTimeout(ask, PERIOD_MS);
    })
    .catch((error) => {
      if (error.message === "token") {
        sessionStorage.removeItem("token");
        loginShow("That is not the token.");
        return;
      }
      state("spillwayd does not answer", "bad");
      setTimeout(ask, 2 * PERIOD_MS);
    });
}

function loginShow(text) {
  state("a token is needed", "");
  $("page").hidden = true;
  $("refused").textContent = text;
  $("login").hidden = false;
  $("token").focus();
}

/* A link may bring the token behind "#token=", which browsers send to nobody. */
function tokenFromLink() {
  const found = /^#token=([0-9A-Za-z_-]+)$/.exec(location.hash);
  if (!found) return;
  sessionStorage.setItem("token", found[1]);
  window.history.replaceState(null, "", location.pathname);
}

$("login").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("token", $("token").value.trim());
  $("token").value = "";
  ask();
});
$("upload").addEventListener("pointermove", (event) => {
  hover = event.offsetX;
  uploadPlot();
});
$("upload").addEventListener("pointerleave", () => {
  hover = null;
  uploadPlot();
});
window.addEventListener("resize", () => {
  if (before === null) return;
  uploadPlot();
  limits(before);
});
tokenFromLink();
ask();
