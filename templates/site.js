"use strict";
/*
 * What the pages of a site can do beyond reading: search and filter the catalogue, draw the page
 * of any record, compare two captures. Data are scripts that call `archiver`, so that a page that
 * was opened as a file can load them, too. Every text of a record becomes a text node.
 */

/** @typedef {null | boolean | number | string | Json[] | {[name: string]: Json}} Json */
/** @typedef {{name: string, kind: string, metric: boolean, facet: boolean, shown: boolean, quantity: boolean}} Field */
/** @typedef {[string, Json[], Json[]]} Shift  A field, its old and its new value; an empty list: absent. */
/** @typedef {[number, string, ...any[]]} Event  A capture, a kind, and what belongs to that kind. */
/** @typedef {{record: {[name: string]: Json}, since: number, gone: string | null, label?: string, hub?: string, events: Event[]}} Life */
/** @typedef {{from: number, to: number, buckets: number, name: string}} Era */
/**
 * @typedef {{version: string, source: string, noun: [string, string], records: number, first: string,
 *   captures: {timestamp: string[], page: string[], revision: string[], total: (number | null)[], [kind: string]: any[]},
 *   fields: Field[], link: {before: string, after: string} | null, links: boolean, labels: boolean,
 *   buckets: number, eras: Era[], metrics: string[]}} Index
 */

const { root: ROOT = "", source: SOURCE = "", page: PAGE = "" } = document.body.dataset;
const HERE = `${ROOT}${SOURCE}`;
const collator = new Intl.Collator("en", { numeric: true });
const counting = new Intl.NumberFormat("en", { maximumFractionDigits: 12 });

/* ---- Data ------------------------------------------------------------------------------- */

/** @type {Map<string, (value: any) => void>} */
const arriving = new Map();
/** @type {Map<string, Promise<any>>} */
const loading = new Map();
let version = "";

/** Receives a data file, which is a call of this function. @param {string} name @param {any} value */
function archiver(name, value) {
  arriving.get(name)?.(value);
}

/** Load a data file once. @param {string} name @returns {Promise<any>} */
function load(name) {
  let found = loading.get(name);
  if (!found) {
    found = new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = `${HERE}data/${name}.js${version && `?v=${version}`}`;
      script.addEventListener("error", () => {
        loading.delete(name);
        reject(new Error(`${name} cannot be loaded`));
      });
      arriving.set(name, resolve);
      document.head.append(script);
    });
    loading.set(name, found);
  }
  return found;
}

/** @returns {Promise<Index>} */
async function loadIndex() {
  const index = await load("index");
  version = index.version;
  return index;
}

/** CRC-32 of a text in UTF-8 (RFC 1952, 8): it says in which file a record is. @param {string} text */
function crc32(text) {
  let sum = ~0;
  for (const byte of new TextEncoder().encode(text)) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (0xedb88320 & -(sum & 1));
  }
  return ~sum >>> 0;
}

/** @param {Index} index @param {string} key @returns {Promise<Life | undefined>} */
async function lifeOf(index, key) {
  return (await load(`records/${crc32(key) & (index.buckets - 1)}`))[key];
}

/* ---- Words and elements ----------------------------------------------------------------- */

/** What may stand around a joiner or an emoji style, which are invisible everywhere else. */
const EMOJI = "\\u2190-\\u2bff\\u3030\\u303d\\u3297\\u3299\\u{1f000}-\\u{1faff}";
/** Characters that steer, reorder or hide text, as the program knows them. */
const HIDDEN = new RegExp(
  "[\\x00-\\x1f\\x7f-\\xa0\\xad\\u034f\\u061c\\u115f\\u1160\\u1680\\u17b4\\u17b5\\u180b-\\u180f" +
  "\\u2000-\\u200c\\u200e\\u200f\\u2028-\\u202f\\u205f-\\u206f\\u2800\\u3164\\ud800-\\udfff" +
  "\\ufdd0-\\ufdef\\ufe00-\\ufe0e\\ufeff\\uffa0\\ufff0-\\ufffb\\ufffe\\uffff" +
  "\\u{1bca0}-\\u{1bca3}\\u{1d173}-\\u{1d17a}\\u{1fffe}\\u{1ffff}\\u{e0000}-\\u{e0fff}]" +
  `|(?<![${EMOJI}\\ufe0f])\\u200d|\\u200d(?![${EMOJI}])|(?<![${EMOJI}0-9#*\\xa9\\xae])\\ufe0f`,
  "gu",
);
const ESCAPES = /** @type {{[char: string]: string}} */ ({ "\n": "\\n", "\r": "\\r", "\t": "\\t" });

/** Show every hidden character of a text by its number. @param {string} text */
function visible(text) {
  return text.replace(HIDDEN, (found) => {
    const code = /** @type {number} */ (found.codePointAt(0));
    const hex = code.toString(16);
    if (found in ESCAPES) return ESCAPES[found];
    if (code < 0x100) return `\\x${hex.padStart(2, "0")}`;
    return code < 0x10000 ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
  });
}

/**
 * Make an element. Names that begin with `on` are listeners.
 * @param {string} tag @param {{[name: string]: any}} [attributes] @param {...(Node | string)} children
 */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null) element.setAttribute(name, String(value));
  }
  element.append(...children);
  return element;
}

/** An element by its id, which the page has. @param {string} id */
function byId(id) {
  return /** @type {any} */ (document.getElementById(id));
}

/** Text of a record, whose direction is its own. @param {string} text */
function bdi(text) {
  return make("bdi", {}, visible(text));
}

/** @param {number} bytes */
function size(bytes) {
  const power = Math.min(Math.max(Math.floor(Math.log10(Math.abs(bytes) || 1) / 3), 0), 5);
  const amount = (bytes / 1000 ** power).toFixed(power ? 1 : 0).replace(/\.0$/, "");
  return `${amount} ${["B", "kB", "MB", "GB", "TB", "PB"][power]}`;
}

const NAMES_ONLY = new Set(["id", "year"]);

/** Whether numbers of a field have separators: a year or an id is a name. @param {string} name */
function isQuantity(name) {
  const words = name.match(/[A-Z]?[a-z]+|[A-Z]+/g) ?? [];
  return !words.some((word) => NAMES_ONLY.has(word.toLowerCase()));
}

/** @param {string} name @param {number} value */
function number(name, value) {
  const last = name.slice(name.lastIndexOf(".") + 1);
  if (last === "size" && Number.isInteger(value)) return size(value);
  return isQuantity(last) && Math.abs(value) >= 1000 ? counting.format(value) : String(value);
}

/** A value in words, whole. @param {string} name @param {Json | undefined} value @returns {string} */
function words(name, value) {
  if (value === undefined) return "(unset)";
  if (typeof value === "string") return value;
  if (typeof value === "number") return number(name, value);
  if (Array.isArray(value) && value.every((each) => typeof each === "string")) return value.join(", ");
  return JSON.stringify(value);
}

const LIKE_ANOTHER = /^(|null|true|false|-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?)$/;

/** A value in words as changes name it: a text is quoted where it could be taken for another value. @param {string} name @param {Json | undefined} value */
function exactWords(name, value) {
  if (typeof value === "string") return LIKE_ANOTHER.test(value) || value !== value.trim() ? `"${value}"` : value;
  return Array.isArray(value) ? JSON.stringify(value) : words(name, value);
}

/** @param {number} many @param {[string, string]} noun */
function counted(many, noun) {
  return `${counting.format(many)} ${many === 1 ? noun[0] : noun[1]}`;
}

/** @param {Index} index @param {number} capture @param {string} [before] */
function moment(index, capture, before = "") {
  const timestamp = index.captures.timestamp[capture - 1];
  const time = make("time", { class: "when", datetime: `${timestamp.replace(" ", "T")}Z` }, timestamp.slice(0, 16));
  return make("a", { class: "when", href: `${HERE}captures/${index.captures.page[capture - 1]}.html` }, before, time);
}

/** @param {string} key */
function recordAddress(key) {
  return `${HERE}record.html#${encodeURIComponent(key.toWellFormed ? key.toWellFormed() : key)}`;
}

/** Address of a record's page on the hub; empty: it has none. @param {Index} index @param {string} key */
function hubAddress(index, key) {
  if (!index.link) return "";
  const quoted = encodeURIComponent(key).replaceAll("%2F", "/");
  return `${index.link.before}${quoted}${index.link.after}`;
}

/** A link to a page on the hub; only addresses of the web. @param {string} address @param {string} text @param {string} label */
function hubLink(address, text, label) {
  if (!/^https?:\/\//i.test(address)) return "";
  return make("a", { class: "hub", href: address, rel: "noopener noreferrer", "aria-label": label || null }, text);
}

const LONGEST = 200;
const AROUND = 12;

/** Leave out what two long texts share at their start. @param {string} old @param {string} now */
function aroundDifference(old, now) {
  let shared = 0;
  while (shared < old.length && shared < now.length && old[shared] === now[shared]) shared += 1;
  const start = shared - AROUND;
  return start < AROUND ? [old, now] : [`…${old.slice(start)}`, `…${now.slice(start)}`];
}

/** @param {string} text */
function clipped(text) {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST - 1)}…`;
}

/** A changed field as two cells of a list. @param {Shift} shift */
function shiftCells([field, [old], [now]]) {
  let was = exactWords(field, old);
  let is = exactWords(field, now);
  if (was === is && typeof old === "number" && typeof now === "number") [was, is] = [counting.format(old), counting.format(now)];
  if (typeof old === "string" && typeof now === "string") [was, is] = aroundDifference(was, is);
  const cells = make("dd", {}, make("del", {}, bdi(clipped(was))), " → ", make("ins", {}, bdi(clipped(is))));
  if (was.length > LONGEST || is.length > LONGEST) {
    const whole = [make("del", {}, bdi(words(field, old))), make("ins", {}, bdi(words(field, now)))];
    cells.append(make("details", { class: "small" }, make("summary", {}, "In full"), ...whole.map((each) => make("p", {}, each))));
  }
  return [make("dt", {}, bdi(field)), cells];
}

/** @param {Shift[]} shifts */
function shiftList(shifts) {
  return make("dl", { class: "shifts" }, ...shifts.flatMap(shiftCells));
}

/** Say what went wrong, and offer to try again. @param {Element} place @param {string} what @param {() => void} again */
function trouble(place, what, again) {
  const button = make("button", { type: "button", onclick: () => { box.remove(); again(); } }, "Try again");
  const box = make("div", { class: "trouble", role: "alert" }, make("p", {}, what), make("p", {}, button));
  place.prepend(box);
}

/** Show that something is on its way, if it takes a while. @template T @param {Element} place @param {Promise<T>} work @returns {Promise<T>} */
async function awaited(place, work) {
  place.setAttribute("aria-busy", "true");
  const note = make("p", { class: "loading", role: "status" }, "Loading …");
  const timer = setTimeout(() => place.prepend(note), 200);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
    note.remove();
    place.removeAttribute("aria-busy");
  }
}

/** Run something that loads data; where it fails, the reader can try again. @param {Element} place @param {() => Promise<void>} task */
function attempt(place, task) {
  awaited(place, task()).catch((error) => {
    console.warn(error);
    trouble(place, "The data of this page cannot be loaded. Perhaps it was just replaced: reload the page, or try again.", () => attempt(place, task));
  });
}

/* ---- Catalogue -------------------------------------------------------------------------- */

const FIRST_ROWS = 50;
const MORE_ROWS = 200;
const FACET_VALUES = 8;

/** One column: values, or distinct values and their places. */
class Column {
  /** @param {Field} field @param {any} data */
  constructor(field, data) {
    this.field = field;
    const coded = !Array.isArray(data);
    /** @type {Json[]} */
    this.distinct = coded ? data.d : data;
    /** @type {ArrayLike<number> | null} */
    this.places = coded ? Uint32Array.from(data.i) : null;
    /** @type {string[] | null} */
    this.lowered = null;
  }

  /** @param {number} row */
  value(row) {
    return this.distinct[this.places ? this.places[row] : row];
  }

  /** The texts of the distinct values, in lower case. @returns {string[]} */
  texts() {
    this.lowered ??= this.distinct.map((each) => (each === null ? "" : words(this.field.name, each).toLowerCase()));
    return this.lowered;
  }

  /** Rows in ascending order of their values; absent ones last. @param {Uint32Array} rows @param {boolean} down */
  sorted(rows, down) {
    const ranks = this.ranks(down);
    return rows.sort((a, b) => ranks[a] - ranks[b] || a - b);
  }

  /** @param {boolean} down @returns {Float64Array} */
  ranks(down) {
    const numeric = this.field.kind === "number";
    const order = this.distinct.map((_, place) => place).filter((place) => this.distinct[place] !== null);
    const texts = numeric ? [] : this.distinct.map((each) => (each === null ? "" : words(this.field.name, each)));
    if (!numeric) order.sort((a, b) => (texts[a] === texts[b] ? 0 : collator.compare(texts[a], texts[b])));
    const rank = new Float64Array(this.distinct.length).fill(Infinity);
    let current = 0;
    order.forEach((place, at) => {
      if (at && texts[order[at - 1]] !== texts[place]) current = at;
      const value = numeric ? /** @type {number} */ (this.distinct[place]) : current;
      rank[place] = down ? -value : value;
    });
    const { places } = this;
    return places ? Float64Array.from(places, (place) => rank[place]) : rank;
  }
}

/** The catalogue: what is asked for is in the address; what answers is drawn into the page. */
class Catalogue {
  /** @param {Index} index */
  constructor(index) {
    this.index = index;
    /** @type {Map<string, Column>} */
    this.columns = new Map();
    /** @type {string[]} */
    this.keys = [];
    /** @type {string[]} */
    this.labels = [];
    /** @type {(string | null)[]} */
    this.links = [];
    this.words = "";
    const metric = index.fields.find((field) => field.metric && field.kind === "number");
    this.first = metric ? `-${metric.name}` : "";
    this.sort = this.first;
    this.shown = index.fields.filter((field) => field.shown).map((field) => field.name);
    this.usual = this.shown.join(",");
    /** @type {Map<string, Set<string>>} */
    this.chosen = new Map();
    this.facets = index.fields.filter((field) => field.facet);
    /** @type {Uint32Array} */
    this.order = new Uint32Array();
    this.found = this.order;
    /** What the last search found, which a longer one only narrows. @type {{view: string, asked: string[], rows: Uint32Array}} */
    this.last = { view: "", asked: [], rows: this.order };
    this.drawn = 0;
    this.ordered = "?";
  }

  /** Load what the view needs. */
  async prepare() {
    const { index } = this;
    const names = new Set([...this.shown, ...this.facets.map((field) => field.name), this.sort.replace(/^-/, "")]);
    const fields = index.fields.filter((field) => names.has(field.name) && !this.columns.has(field.name));
    const [keys, labels, links, ...columns] = await Promise.all([
      load("columns/key"),
      index.labels ? load("columns/label") : [],
      index.links ? load("columns/link") : [],
      ...fields.map((field) => load(`columns/${index.fields.indexOf(field)}`)),
    ]);
    [this.keys, this.labels, this.links] = [keys, labels, links];
    fields.forEach((field, place) => this.columns.set(field.name, new Column(field, columns[place])));
    this.texts ??= this.keys.map((key, row) => `${key}\n${this.labels[row] ?? ""}`.toLowerCase());
  }

  /** Read the view from the address. */
  read() {
    const asked = new URLSearchParams(location.hash.slice(1));
    const known = new Set(this.index.fields.map((field) => field.name));
    this.words = asked.get("q") ?? "";
    const sort = asked.get("sort") ?? this.first;
    this.sort = sort === "" || known.has(sort.replace(/^-/, "")) || sort.replace(/^-/, "") === "@key" ? sort : this.first;
    const columns = asked.get("columns");
    this.shown = (columns === null ? this.usual : columns).split(",").map(decodeURIComponent).filter((name) => known.has(name));
    this.chosen = new Map();
    for (const field of this.facets) {
      const values = asked.getAll(`is.${field.name}`);
      if (values.length) this.chosen.set(field.name, new Set(values));
    }
  }

  /** Write the view to the address, so that it can be shared. */
  write() {
    const view = new URLSearchParams();
    if (this.words.trim()) view.set("q", this.words.trim());
    if (this.sort !== this.first) view.set("sort", this.sort);
    const columns = this.shown.map(encodeURIComponent).join(",");
    if (this.shown.join(",") !== this.usual) view.set("columns", columns);
    for (const [name, values] of this.chosen) for (const value of values) view.append(`is.${name}`, value);
    const text = view.toString();
    history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
  }

  /** Put all rows in the order that is asked for. */
  arrange() {
    if (this.ordered === this.sort) return;
    this.ordered = this.sort;
    const rows = Uint32Array.from(this.keys, (_, row) => row);
    const name = this.sort.replace(/^-/, "");
    const column = this.columns.get(name);
    this.order = column ? column.sorted(rows, this.sort.startsWith("-")) : this.sort.startsWith("-") ? rows.reverse() : rows;
  }

  /** The rows that have every word, in the order that is asked for. @returns {Uint32Array} */
  match() {
    const asked = this.words.toLowerCase().split(/\s+/).filter(Boolean);
    const view = `${this.sort} ${this.shown.join(" ")}`;
    const narrower = view === this.last.view && this.last.asked.every((old) => asked.some((word) => word.includes(old)));
    const rows = asked.reduce((left, word) => this.having(left, word), narrower ? this.last.rows : this.order);
    this.last = { view, asked, rows };
    return rows;
  }

  /** Those of some rows that have a word in their key, label, or a column that is shown. @param {Uint32Array} rows @param {string} word */
  having(rows, word) {
    const keys = /** @type {string[]} */ (this.texts);
    const searched = this.shown.map((name) => /** @type {Column} */ (this.columns.get(name))).filter(({ field }) => field.kind !== "number");
    const coded = searched.flatMap((column) => (column.places ? [{ places: column.places, hits: column.texts().map((text) => text.includes(word)) }] : []));
    const plain = searched.flatMap((column) => (column.places ? [] : [column.texts()]));
    const kept = new Uint32Array(rows.length);
    let count = 0;
    for (const row of rows) {
      let hit = keys[row].includes(word);
      for (let at = 0; !hit && at < coded.length; at += 1) hit = coded[at].hits[coded[at].places[row]];
      for (let at = 0; !hit && at < plain.length; at += 1) hit = plain[at][row].includes(word);
      if (hit) kept[count++] = row;
    }
    return kept.subarray(0, count);
  }

  /** Find the rows that are asked for, and count the values of each facet among the rows that the others let through. */
  find() {
    const rows = this.match();
    const facets = this.facets.map((field) => this.facet(field));
    const limiting = facets.filter(({ allowed }) => allowed);
    this.found = limiting.length ? this.limited(rows, facets) : rows;
    for (const { counts, places } of facets) for (const row of this.found) counts[places[row]] += 1;
    return facets;
  }

  /** Those of some rows that every facet allows; what only one forbids is counted there. @param {Uint32Array} rows @param {ReturnType<Catalogue["facet"]>[]} facets */
  limited(rows, facets) {
    return rows.filter((row) => {
      const failing = facets.filter(({ allowed, places }) => allowed && !allowed[places[row]]);
      if (failing.length === 1) failing[0].counts[failing[0].places[row]] += 1;
      return !failing.length;
    });
  }

  /** @param {Field} field */
  facet(field) {
    const column = /** @type {Column} */ (this.columns.get(field.name));
    if (!column.places) {
      const distinct = [...new Set(column.distinct)];
      const places = new Map(distinct.map((value, place) => [value, place]));
      column.places = Uint32Array.from(column.distinct, (value) => /** @type {number} */ (places.get(value)));
      column.distinct = distinct;
      column.lowered = null;
    }
    const chosen = this.chosen.get(field.name);
    const allowed = chosen && column.distinct.map((value) => chosen.has(facetName(value)));
    return { field, column, places: column.places, allowed, counts: new Uint32Array(column.distinct.length) };
  }

  /** Answer and draw: after every key stroke. */
  refresh() {
    this.arrange();
    const facets = this.find();
    this.drawFacets(facets);
    this.drawHead();
    const body = byId("records").tBodies[0];
    const rows = Array.from(this.found.subarray(0, FIRST_ROWS), (row) => this.row(row));
    body.replaceChildren(...rows);
    this.drawn = rows.length;
    this.drawRest();
    const { noun } = this.index;
    const all = this.keys.length;
    byId("count").textContent = this.found.length === all ? counted(all, noun) : `${counting.format(this.found.length)} of ${counted(all, noun)}`;
    this.write();
  }

  drawRest() {
    const rest = this.found.length - this.drawn;
    const more = byId("more");
    more.hidden = rest <= 0;
    more.textContent = `Show ${counting.format(Math.min(rest, MORE_ROWS))} more of ${counting.format(rest)}`;
    const empty = byId("empty");
    if (this.found.length) empty?.remove();
    else if (!empty) byId("records").parentElement.after(this.emptiness());
  }

  emptiness() {
    const clear = () => {
      byId("words").value = "";
      this.words = "";
      this.chosen.clear();
      this.refresh();
      byId("words").focus();
    };
    const button = make("button", { type: "button", onclick: clear }, "Clear search and filters");
    return make("div", { class: "empty", id: "empty" }, make("p", {}, `No ${this.index.noun[0]} is like that.`), make("p", {}, button));
  }

  more() {
    const rows = Array.from(this.found.subarray(this.drawn, this.drawn + MORE_ROWS), (row) => this.row(row));
    byId("records").tBodies[0].append(...rows);
    this.drawn += rows.length;
    rows[0]?.querySelector("a")?.focus();
    this.drawRest();
  }

  /** @param {number} row */
  row(row) {
    const key = this.keys[row];
    const label = this.labels[row];
    const shown = label && label !== key ? `${label} (${key})` : key;
    const address = this.index.links ? this.links[row] ?? "" : hubAddress(this.index, key);
    const head = make("th", { scope: "row" }, make("a", { href: recordAddress(key) }, bdi(shown)), address ? " " : "", hubLink(address, "↗", `${visible(key)} on the hub`));
    return make("tr", {}, head, ...this.shown.map((name) => cell(name, this.columns.get(name)?.value(row) ?? null)));
  }

  drawHead() {
    const names = ["@key", ...this.shown];
    const line = byId("records").tHead.rows[0];
    const now = this.sort.replace(/^-/, "") || "@key";
    const heads = names.map((name) => {
      const field = this.index.fields.find((each) => each.name === name);
      const order = name === now ? (this.sort.startsWith("-") ? "descending" : "ascending") : "none";
      const button = make("button", { type: "button", "data-column": name, onclick: () => this.sortBy(name) }, visible(field ? name : this.index.first));
      return make("th", { scope: "col", class: field?.kind === "number" ? "number" : null, "aria-sort": order }, button);
    });
    if (line.textContent === heads.map((head) => head.textContent).join("") && line.querySelector("button")) {
      heads.forEach((head, place) => line.cells[place].setAttribute("aria-sort", /** @type {string} */ (head.getAttribute("aria-sort"))));
    } else {
      line.replaceChildren(...heads);
    }
  }

  /** @param {string} name */
  sortBy(name) {
    const field = this.index.fields.find((each) => each.name === name);
    const first = field?.kind === "number" ? `-${name}` : name;
    const other = field?.kind === "number" ? name : `-${name}`;
    this.sort = (this.sort || "@key") === first ? other : first;
    this.refresh();
  }

  /** @param {ReturnType<Catalogue["find"]>} facets */
  drawFacets(facets) {
    const place = byId("facets");
    const open = new Set([...place.querySelectorAll("fieldset.all")].map((each) => each.dataset.field));
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.facet : undefined;
    place.replaceChildren(...facets.map((facet) => this.fieldset(facet, open.has(facet.field.name))));
    if (focused) [...place.querySelectorAll("[data-facet]")].find((each) => each.dataset.facet === focused)?.focus();
  }

  /** @param {ReturnType<Catalogue["facet"]>} facet @param {boolean} all */
  fieldset({ field, column, counts }, all) {
    const chosen = this.chosen.get(field.name) ?? new Set();
    const values = column.distinct.map((value, place) => ({ name: facetName(value), count: counts[place], value }));
    values.sort((a, b) => Number(chosen.has(b.name)) - Number(chosen.has(a.name)) || b.count - a.count || collator.compare(a.name, b.name));
    const shown = values.filter(({ name, count }) => count || chosen.has(name));
    const cut = all ? shown : shown.slice(0, FACET_VALUES);
    const lines = cut.map(({ name, count, value }) => {
      const box = make("input", { type: "checkbox", "data-facet": `${field.name}=${name}`, checked: chosen.has(name), onchange: () => this.choose(field.name, name) });
      return make("label", {}, box, value === null ? make("i", {}, "none") : bdi(name), make("span", { class: "count" }, counting.format(count)));
    });
    const set = make("fieldset", { class: all ? "all" : null, "data-field": field.name }, make("legend", {}, bdi(field.name)), ...lines);
    if (shown.length > cut.length) {
      const grow = () => { set.classList.add("all"); this.refresh(); };
      set.append(make("button", { type: "button", class: "small", "data-facet": `${field.name}+`, onclick: grow }, `${counting.format(shown.length - cut.length)} more`));
    }
    return set;
  }

  /** @param {string} field @param {string} value */
  choose(field, value) {
    const chosen = this.chosen.get(field) ?? new Set();
    if (!chosen.delete(value)) chosen.add(value);
    if (chosen.size) this.chosen.set(field, chosen);
    else this.chosen.delete(field);
    this.refresh();
  }

  drawColumns() {
    const box = byId("columns");
    const boxes = this.index.fields.map((field) => {
      const change = () => {
        const shown = new Set(this.shown);
        if (!shown.delete(field.name)) shown.add(field.name);
        this.shown = this.index.fields.map((each) => each.name).filter((name) => shown.has(name));
        this.renew();
      };
      return make("label", {}, make("input", { type: "checkbox", checked: this.shown.includes(field.name), onchange: change }), bdi(field.name));
    });
    box.replaceChildren(box.querySelector("summary"), ...boxes);
    box.classList.remove("pending");
  }

  /** Load what is missing, then draw. */
  renew() {
    attempt(byId("facets").parentElement, async () => {
      await this.prepare();
      this.refresh();
    });
  }

  /** Answer what the reader does. */
  listen() {
    const box = byId("words");
    box.addEventListener("input", () => { this.words = box.value; this.refresh(); });
    byId("filters").addEventListener("submit", (/** @type {Event} */ event) => /** @type {any} */ (event).preventDefault());
    byId("more").addEventListener("click", () => this.more());
    addEventListener("hashchange", () => { this.read(); box.value = this.words; this.drawColumns(); this.renew(); });
    addEventListener("keydown", (event) => {
      if (event.key === "/" && !(event.target instanceof HTMLInputElement)) {
        event.preventDefault();
        box.focus();
      }
    });
  }
}

/** What a value is called in a facet and in the address. @param {Json} value */
function facetName(value) {
  return value === null ? "" : String(value);
}

/** @param {string} name @param {Json} value */
function cell(name, value) {
  const text = value === null ? "" : words(name, value);
  return make("td", { class: typeof value === "number" ? "number" : null }, make("span", { class: "clip" }, bdi(text)));
}

async function catalogue() {
  const index = await loadIndex();
  const found = new Catalogue(index);
  found.read();
  await found.prepare();
  const box = byId("words");
  if (box.value && !found.words) found.words = box.value;
  box.value = found.words;
  byId("facets").parentElement.classList.remove("pending");
  byId("facets").parentElement.open = matchMedia("(min-width: 56rem)").matches;
  found.drawColumns();
  found.refresh();
  found.listen();
}

/* ---- Record ----------------------------------------------------------------------------- */

/** @typedef {{[metric: string]: [number, Json][]}} Values  Captures, and the value from then on. */

/** Load the values of a record: those of the newest era, or of all. @param {Index} index @param {string} key @param {boolean} all @returns {Promise<Values>} */
async function valuesOf(index, key, all) {
  const eras = all ? index.eras : index.eras.slice(-1);
  const parts = await Promise.all(eras.map((era) => load(`values/${era.name}/${crc32(key) & (era.buckets - 1)}`)));
  /** @type {Values} */
  const values = {};
  for (const part of parts) {
    for (const [place, flat] of Object.entries(part[key] ?? {})) {
      const series = (values[index.metrics[Number(place)]] ??= []);
      for (let at = 0; at < flat.length; at += 2) {
        if (!series.length || series[series.length - 1][0] < flat[at]) series.push([flat[at], flat[at + 1]]);
      }
    }
  }
  return Object.fromEntries(index.metrics.filter((name) => name in values).map((name) => [name, values[name]]));
}

/** Whether an event begins or ends a time in the catalogue. @param {Event} event @returns {boolean | null} */
function presence([, kind, way]) {
  if (kind === "updated") return null;
  return !(kind === "removed" || kind === "left" || (kind === "renamed" && way === "to"));
}

/**
 * The settled part of a record as it was at a capture; null: it was not there.
 * @param {Life} life @param {number} capture
 */
function stateAt(life, capture) {
  if (capture < life.since) return null;
  let there = true;
  for (const event of life.events) {
    if (event[0] <= capture) there = presence(event) ?? there;
  }
  if (!there) return null;
  let record = { ...life.record };
  for (const event of [...life.events].reverse()) {
    if (event[0] <= capture) break;
    if (event[1] === "updated") {
      for (const [field, old] of /** @type {Shift[]} */ (event[2])) {
        if (old.length) record[field] = old[0];
        else delete record[field];
      }
    } else if (presence(event) === false) {
      const before = event[event[1] === "renamed" ? 4 : 3];
      if (before) record = { ...before };
    }
  }
  return record;
}

/** @param {Values} values @param {number} capture */
function valuesAt(values, capture) {
  /** @type {{[name: string]: Json}} */
  const found = {};
  for (const [name, series] of Object.entries(values)) {
    for (const [at, value] of series) if (at <= capture && value !== null) found[name] = value;
  }
  return found;
}

/** @param {{[name: string]: Json}} record */
function factList(record) {
  const list = make("dl", { class: "facts" });
  for (const [name, value] of Object.entries(record)) {
    if (name === "@key") continue;
    const text = typeof value === "object" && value !== null && !Array.isArray(value) ? JSON.stringify(value, null, 1) : words(name, value);
    list.append(make("dt", {}, bdi(name)), make("dd", text.length > 600 ? { class: "long", tabindex: "0" } : {}, bdi(text)));
  }
  return list;
}

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT, MARGIN] = [1000, 200, 6];

/** @param {string} tag @param {{[name: string]: string}} attributes */
function draw(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/** A chart of a metric; null: it is no number, or did not move. @param {Index} index @param {string} name @param {[number, Json][]} series */
function chart(index, name, series) {
  const numbers = series.flatMap(([, value]) => (typeof value === "number" ? [value] : []));
  if (numbers.length < 2 || series.some(([, value]) => typeof value === "string")) return null;
  const time = (/** @type {number} */ capture) => Date.parse(`${index.captures.timestamp[capture - 1].replace(" ", "T")}Z`);
  const start = time(series[0][0]);
  const end = Math.max(time(index.captures.timestamp.length), start + 1);
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  let line = "";
  let area = "";
  series.forEach(([capture, value], place) => {
    if (typeof value !== "number") return;
    const right = place + 1 < series.length ? time(series[place + 1][0]) : end;
    const [x, to] = [time(capture), right].map((each) => (((each - start) / (end - start)) * WIDTH).toFixed(1));
    const y = (MARGIN + (HEIGHT - 2 * MARGIN) * (1 - (value - least) / (most - least || 1))).toFixed(1);
    const joined = place && typeof series[place - 1][1] === "number";
    line += `${joined ? `V${y}` : `M${x} ${y}`}H${to}`;
    area += `M${x} ${HEIGHT}V${y}H${to}V${HEIGHT}z`;
  });
  const [first, last, low, high] = [numbers[0], numbers[numbers.length - 1], least, most].map((each) => number(name, each));
  const told = `from ${first} to ${last}; at least ${low}, at most ${high}`;
  const svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": `${visible(name)}: ${told}` });
  svg.append(draw("path", { class: "chart-area", d: area }), draw("path", { class: "chart-line", d: line }));
  const axis = [series[0][0], index.captures.timestamp.length].map((capture) => make("span", {}, index.captures.timestamp[capture - 1].slice(0, 10)));
  return make("figure", { class: "low" }, make("figcaption", {}, make("b", {}, bdi(name)), `: ${told}`), svg, make("div", { class: "axis" }, ...axis));
}

/** @param {Index} index @param {Event} event */
function eventItem(index, [capture, kind, ...rest]) {
  const item = make("li", {}, moment(index, capture), " ", make("span", { class: `kind ${kind}` }, kind));
  if (kind === "renamed") item.append(` ${rest[0]} `, make("a", { href: recordAddress(rest[1]) }, bdi(rest[1])));
  else if (kind === "updated") item.append(shiftList(rest[0]));
  else if (rest[0]) item.append(make("span", { class: "soft" }, ` (${visible(rest[0])})`));
  return item;
}

const ENDS = /** @type {{[kind: string]: string}} */ ({ removed: "Removed", renamed: "Renamed", left: "Left the window" });

/** @param {Index} index @param {Life} life */
function stateWords(index, life) {
  const time = (/** @type {number} */ capture) => `${index.captures.timestamp[capture - 1].slice(0, 16)} UTC`;
  const since = `first seen ${time(life.since)}`;
  if (!life.gone) return `In the catalogue; ${since}.`;
  const last = life.events[life.events.length - 1];
  const told = last && presence(last) === false ? ` on ${time(last[0])}${last[1] === "renamed" ? `, now ${visible(last[3])}` : last[2] ? ` (${visible(last[2])})` : ""}` : "";
  return `${ENDS[life.gone] ?? "Gone"}${told}; ${since}.`;
}

/** A choice of captures that shows the record as it was then. @param {Index} index @param {string} key @param {Life} life */
function asOf(index, key, life) {
  const place = make("div", { "aria-live": "polite" });
  const options = index.captures.timestamp.map((timestamp, at) => make("option", { value: at + 1 }, timestamp.slice(0, 16))).slice(life.since - 1).reverse();
  const select = make("select", { id: "as-of-capture" }, make("option", { value: "" }, "now"), ...options);
  select.addEventListener("change", () => {
    const capture = Number(/** @type {HTMLSelectElement} */ (select).value);
    place.replaceChildren();
    if (!capture) return;
    attempt(place, async () => {
      const values = index.eras.length ? await valuesOf(index, key, true) : {};
      const record = stateAt(life, capture);
      const when = index.captures.timestamp[capture - 1].slice(0, 16);
      place.replaceChildren(make("h3", {}, `As of ${when} UTC`), record ? factList({ ...record, ...valuesAt(values, capture) }) : make("p", { class: "soft" }, `It was not in the catalogue on ${when} UTC.`));
    });
  });
  return make("section", { "aria-label": "As it was" }, make("p", { class: "choose" }, make("label", { for: "as-of-capture" }, "As of ", select)), place);
}

/** @param {Index} index @param {string} key @param {HTMLElement} place */
async function drawRecord(index, key, place) {
  const life = key ? await lifeOf(index, key) : undefined;
  if (!life) {
    const search = make("a", { href: `${HERE}catalogue.html#q=${encodeURIComponent(key)}` }, "search the catalogue");
    document.title = `Unknown ${index.noun[0]}`;
    place.replaceChildren(make("h1", {}, key ? bdi(key) : `A ${index.noun[0]}`), make("p", {}, `There was never such a ${index.noun[0]} in this catalogue; `, search, "."));
    return;
  }
  const newest = index.eras.length ? await valuesOf(index, key, false) : {};
  const shown = life.label && life.label !== key ? `${life.label} (${key})` : key;
  document.title = `${visible(shown)} · ${index.source}`;
  const last = life.gone ? Math.max(life.since, ...life.events.map(([capture]) => capture)) - 1 : index.captures.timestamp.length;
  const hub = life.gone ? "" : life.hub ?? hubAddress(index, key);
  const charts = make("div", { class: "charts" });
  const drawCharts = (/** @type {Values} */ values) => {
    charts.replaceChildren(...Object.entries(values).flatMap(([name, series]) => chart(index, name, series) ?? []));
    metrics.hidden = !charts.childElementCount && !earlier.isConnected;
  };
  const earlier = make("p", {}, make("button", { type: "button", onclick: () => attempt(metrics, async () => { drawCharts(await valuesOf(index, key, true)); earlier.remove(); }) }, "Show earlier values"));
  const metrics = make("section", { "aria-labelledby": "metrics" }, make("h2", { id: "metrics" }, "Metrics"), charts);
  if (index.eras.length > 1 && life.since < index.eras[index.eras.length - 1].from) metrics.append(earlier);
  place.replaceChildren(
    make("p", { class: "way" }, make("a", { href: `${HERE}catalogue.html` }, "Catalogue")),
    make("h1", {}, bdi(shown)),
    make("p", { class: "lead" }, life.gone ? make("span", { class: "kind removed" }, stateWords(index, life)) : stateWords(index, life), " ", hubLink(hub, "Its page on the hub", "")),
    asOf(index, key, life),
    make("section", { "aria-labelledby": "state" }, make("h2", { id: "state" }, life.gone ? "As it last was" : "As it is"), factList({ ...life.record, ...valuesAt(newest, last) })),
    metrics,
    make("section", { "aria-labelledby": "timeline" }, make("h2", { id: "timeline" }, "Timeline"),
      make("ol", { class: "timeline", reversed: true }, ...[...life.events].reverse().map((event) => eventItem(index, event)),
        make("li", {}, moment(index, life.since), " ", make("span", { class: "kind new" }, "first seen")))),
  );
  drawCharts(newest);
}

/** The key that the address names. */
function keyOfAddress() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return location.hash.slice(1);
  }
}

async function record() {
  const place = byId("record");
  const index = await loadIndex();
  if (place) {
    await drawRecord(index, keyOfAddress(), place);
    return;
  }
  const key = byId("main").dataset.key;
  const life = await lifeOf(index, key);
  if (!life) return;
  const slot = byId("as-of");
  slot.append(asOf(index, key, life));
  slot.classList.remove("pending");
}

/* ---- Changes ---------------------------------------------------------------------------- */

const ORDER = ["removed", "renamed", "returned", "new", "updated", "left", "entered"];
const TITLES = /** @type {{[kind: string]: string}} */ ({ removed: "Removed", renamed: "Renamed", returned: "Returned", new: "New", updated: "Updated", left: "Left", entered: "Entered" });
const LISTED = 200;

/** @typedef {{key: string, kind: string, cause?: string, old?: string, shifts?: Shift[]}} Net  What became of a record between two captures. */

/** @param {Net} change */
function changeItem({ key, kind, cause, old, shifts }) {
  const body = make("div", {});
  if (kind === "renamed") body.append(make("del", {}, bdi(old ?? "")), " → ");
  body.append(make("a", { href: recordAddress(key) }, bdi(key)));
  if (cause) body.append(make("span", { class: "soft" }, ` (${visible(cause)})`));
  if (shifts) body.append(shiftList(shifts));
  return make("li", {}, body);
}

/** A change of one capture, as it is in a data file. @param {[string, string, any]} change @returns {Net} */
function asNet([key, kind, rest]) {
  if (kind === "renamed") return { key: rest, kind, old: key };
  if (kind === "updated") return { key, kind, shifts: rest };
  return { key, kind, cause: rest };
}

/**
 * A key in the captures that are summed up: whether the first and the last of them have it, how it
 * first came, how it last went and why, its new key, the fields that changed, and whether it was
 * gone for a while.
 * @typedef {{there: boolean, now: boolean, came: string, went: string, cause: string, to: string,
 *   fields: Map<string, [Json[], Json[]]>, broken: boolean}} Track
 */

/**
 * Sum up the changes of several captures, oldest first, as a comparison of both ends would.
 * @param {[string, string, any][][]} captures
 * @returns {(Net & {unsure?: boolean})[]} What is left; `unsure`: it was gone for a while, so both ends must be compared.
 */
function fold(captures) {
  /** @type {Map<string, Track>} */
  const tracks = new Map();
  const track = (/** @type {string} */ key, /** @type {boolean} */ there) => {
    let found = tracks.get(key);
    if (!found) tracks.set(key, (found = { there, now: there, came: "", went: "", cause: "", to: "", fields: new Map(), broken: false }));
    return found;
  };
  const come = (/** @type {string} */ key, /** @type {string} */ kind) => {
    const found = track(key, false);
    Object.assign(found, { now: true, came: found.came || kind, broken: found.there });
  };
  for (const [key, kind, rest] of captures.flat()) {
    if (kind === "updated") {
      const { fields } = track(key, true);
      for (const [field, old, now] of rest) fields.set(field, [fields.get(field)?.[0] ?? old, now]);
    } else if (kind === "renamed") {
      Object.assign(track(key, true), { now: false, went: "removed", cause: "", to: rest });
      come(rest, "new");
    } else if (kind === "removed" || kind === "left") {
      Object.assign(track(key, true), { now: false, went: kind, cause: rest ?? "", to: "" });
    } else {
      come(key, kind);
    }
  }
  return summed(tracks);
}

/** @param {Map<string, Track>} tracks @returns {(Net & {unsure?: boolean})[]} */
function summed(tracks) {
  /** @type {Map<string, string>} */
  const renames = new Map();
  for (const key of [...tracks.keys()].sort()) {
    const { there, now, to } = /** @type {Track} */ (tracks.get(key));
    const target = tracks.get(to);
    if (there && !now && target && !target.there && target.now && !renames.has(to)) renames.set(to, key);
  }
  const renamed = new Set(renames.values());
  return [...tracks].flatMap(([key, found]) => {
    const old = renames.get(key);
    if (old !== undefined) return [{ key, kind: "renamed", old }];
    return renamed.has(key) ? [] : net(key, found);
  });
}

/** @param {string} key @param {Track} track @returns {(Net & {unsure?: boolean})[]} */
function net(key, { there, now, came, went, cause, fields, broken }) {
  if (!there) return now ? [{ key, kind: came }] : [];
  if (!now) return [{ key, kind: went, cause }];
  if (broken) return [{ key, kind: "updated", unsure: true }];
  /** @type {Shift[]} */
  const shifts = [...fields].filter(([, [old, value]]) => JSON.stringify(old) !== JSON.stringify(value)).map(([field, [old, value]]) => [field, old, value]);
  return shifts.length ? [{ key, kind: "updated", shifts }] : [];
}

/** Compare a record at two captures. @param {Life} life @param {number} from @param {number} to @returns {Shift[]} */
function shiftsBetween(life, from, to) {
  const [old, now] = [stateAt(life, from) ?? {}, stateAt(life, to) ?? {}];
  const names = [...new Set([...Object.keys(old), ...Object.keys(now)])].sort();
  const wrapped = (/** @type {{[name: string]: Json}} */ record, /** @type {string} */ name) => (name in record ? [record[name]] : []);
  return names.map((name) => /** @type {Shift} */ ([name, wrapped(old, name), wrapped(now, name)])).filter(([, a, b]) => JSON.stringify(a) !== JSON.stringify(b));
}

/** What differs between two captures. @param {Index} index @param {number} from @param {number} to @returns {Promise<Net[]>} */
async function between(index, from, to) {
  const numbers = Array.from({ length: to - from }, (_, at) => from + at + 1);
  const changes = fold(await Promise.all(numbers.map((capture) => load(`changes/${capture}`))));
  const sure = changes.filter((change) => !change.unsure);
  for (const { key } of changes.filter((change) => change.unsure)) {
    const life = await lifeOf(index, key);
    const shifts = life ? shiftsBetween(life, from, to) : [];
    if (shifts.length) sure.push({ key, kind: "updated", shifts });
  }
  return sure.sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** Let the older end be the newer one. @param {Net} change @returns {Net} */
function backwards({ key, kind, old, shifts }) {
  if (kind === "renamed") return { key: old ?? "", kind, old: key };
  if (shifts) return { key, kind, shifts: shifts.map(([field, was, now]) => [field, now, was]) };
  return { key, kind: kind === "removed" || kind === "left" ? "new" : "removed" };
}

/** @param {Net[]} changes @param {Element} place */
function drawChanges(changes, place) {
  const sections = ORDER.flatMap((kind) => {
    const found = changes.filter((change) => change.kind === kind);
    if (!found.length) return [];
    const list = make("ul", { class: "changes plain" }, ...found.slice(0, LISTED).map(changeItem));
    const section = make("section", { "aria-labelledby": `net-${kind}` }, make("h2", { id: `net-${kind}` }, `${TITLES[kind]} (${counting.format(found.length)})`), list);
    if (found.length > LISTED) {
      const all = make("button", { type: "button", onclick: () => { list.append(...found.slice(LISTED).map(changeItem)); all.remove(); } }, `Show ${counting.format(found.length - LISTED)} more`);
      section.append(make("p", { class: "more" }, all));
    }
    return [section];
  });
  place.replaceChildren(...(sections.length ? sections : [make("p", { class: "empty" }, "Nothing differs but metrics, if anything.")]));
}

async function compare() {
  const index = await loadIndex();
  const { timestamp, page, total } = index.captures;
  const [from, to] = [byId("from"), byId("to")];
  for (const select of [from, to]) {
    select.append(...timestamp.map((time, at) => make("option", { value: page[at], disabled: total[at] === null }, `${time.slice(0, 16)}, ${total[at] === null ? "cannot be read" : counted(total[at] ?? 0, index.noun)}`)).reverse());
  }
  const readable = page.filter((_, at) => total[at] !== null);
  const read = () => {
    const asked = new URLSearchParams(location.hash.slice(1));
    from.value = readable.includes(asked.get("from") ?? "") ? asked.get("from") : readable[Math.max(readable.length - 2, 0)];
    to.value = readable.includes(asked.get("to") ?? "") ? asked.get("to") : readable[readable.length - 1];
  };
  const answer = () => {
    const [a, b] = [page.indexOf(from.value) + 1, page.indexOf(to.value) + 1];
    attempt(byId("result"), async () => {
      const changes = await between(index, Math.min(a, b), Math.max(a, b));
      drawChanges(a <= b ? changes : changes.map(backwards), byId("result"));
    });
  };
  const chosen = () => {
    history.replaceState(null, "", `#${new URLSearchParams({ from: from.value, to: to.value })}`);
    answer();
  };
  from.addEventListener("change", chosen);
  to.addEventListener("change", chosen);
  byId("swap").addEventListener("click", () => { [from.value, to.value] = [to.value, from.value]; chosen(); });
  addEventListener("hashchange", () => { read(); answer(); });
  read();
  byId("ends").hidden = false;
  answer();
}

/** Where a list was cut, offer all of it. */
async function capture() {
  for (const button of document.querySelectorAll("button.all-changes")) {
    const { capture: name, kind = "" } = /** @type {HTMLElement} */ (button).dataset;
    button.addEventListener("click", () => attempt(/** @type {Element} */ (button.closest("section")), async () => {
      await loadIndex();
      const changes = (await load(`changes/${name}`)).filter((/** @type {any} */ change) => change[1] === kind);
      byId(`list-${kind}`).replaceChildren(...changes.map(asNet).map(changeItem));
      button.parentElement?.remove();
    }));
    button.removeAttribute("hidden");
  }
}

/* ---- Overview --------------------------------------------------------------------------- */

const HOUR = 3_600_000;
const LATE = 3;

/** Say how long ago the newest capture was, and warn where captures stopped. */
async function overview() {
  const place = byId("health");
  const hours = (Date.now() - Date.parse(place.dataset.captured)) / HOUR;
  const usual = Number(place.dataset.usualHours);
  const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  const ago = hours < 1 ? relative.format(-Math.max(Math.round(hours * 60), 0), "minute") : hours < 48 ? relative.format(-Math.round(hours), "hour") : relative.format(-Math.round(hours / 24), "day");
  byId("ago").append(make("span", { class: usual && hours > LATE * usual ? "late" : "soft" }, usual && hours > LATE * usual ? `Late: that was ${ago}.` : `That was ${ago}.`));
}

/* ---- Which page this is ----------------------------------------------------------------- */

const PAGES = /** @type {{[page: string]: () => Promise<void>}} */ ({ catalogue, record, compare, capture, overview });

if (PAGES[PAGE]) attempt(byId("main"), PAGES[PAGE]);
if (PAGE === "record" && byId("record")) addEventListener("hashchange", () => attempt(byId("main"), record));
