"use strict";
/*
 * What the pages of a site can do beyond reading: search and filter the catalogue, draw the page
 * of any record, compare two captures. Data are scripts that call `archiver`, so that a page that
 * was opened as a file can load them, too. Every text of a record becomes a text node.
 */

/** @typedef {null | boolean | number | string | Json[] | {[name: string]: Json}} Json */
/** @typedef {{name: string, kind: string, metric: boolean, facet: boolean, shown: boolean, quantity: boolean}} Field */
/** @typedef {[string, Json[], Json[]]} Shift  A field, its old and its new value; an empty list: absent. */
/** @typedef {[number, string, ...any[]]} News  A capture, a kind, and what belongs to that kind. */
/** @typedef {{record: {[name: string]: Json}, since: number, gone: string | null, label?: string, hub?: string, events: News[]}} Life */
/** @typedef {{from: number, to: number, buckets: number, name: string}} Era */
/**
 * @typedef {{version: string, source: string, noun: [string, string], counted: [string, string], records: number, first: string,
 *   captures: {timestamp: string[], page: string[], revision: string[], total: (number | null)[], [kind: string]: any[]},
 *   fields: Field[], link: {before: string, after: string} | null, links: boolean, labels: boolean,
 *   buckets: number, eras: Era[], metrics: string[]}} Index
 */

const { root: ROOT = "", source: SOURCE = "", page: PAGE = "" } = document.body.dataset;
const HERE = `${ROOT}${SOURCE}`;
const LANGUAGE = document.documentElement.lang || "en";
/** What this script says, in the language of the reader: the site writes it here. @type {{[english: string]: string}} */
const TRANSLATIONS = {};
const collator = new Intl.Collator("en", { numeric: true });
const counting = new Intl.NumberFormat("en", { maximumFractionDigits: 12 });

/* ---- Words ------------------------------------------------------------------------------ */

/** Say a sentence with its `{placeholders}` filled in. @param {string} english @param {{[name: string]: string | number}} [values] */
function tr(english, values = {}) {
  return (TRANSLATIONS[english] ?? english).replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

const KINDS = /** @type {{[kind: string]: string}} */ ({ removed: tr("removed"), renamed: tr("renamed"), returned: tr("returned"), new: tr("new"), updated: tr("updated"), left: tr("left"), entered: tr("entered") });

const SEVERITIES = /** @type {{[severity: string]: string}} */ ({ breaking: tr("breaking"), notable: tr("notable") });

/* ---- Data ------------------------------------------------------------------------------- */

/** @type {Map<string, (value: any) => void>} */
const arriving = new Map();
/** @type {Map<string, Promise<any>>} */
const loading = new Map();
let version = "";

/** Receives a data file, which is a call of this function. @param {string} name @param {any} value */
function archiver(name, value) {
  arriving.get(name)?.(value);
  arriving.delete(name);
}

/** Load a data file once. @param {string} name @returns {Promise<any>} */
function load(name) {
  let found = loading.get(name);
  if (!found) {
    found = new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = `${HERE}data/${name}.js${version && `?v=${version}`}`;
      const end = () => {
        script.remove();
        if (!arriving.delete(name)) return;
        loading.delete(name);
        reject(new Error(`${name} cannot be loaded`));
      };
      script.addEventListener("error", end);
      script.addEventListener("load", end); // a file that was cut off makes no call
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

/** What a data file has of a key; keys such as `constructor` are keys like all others. @template T @param {{[key: string]: T}} file @param {string} key */
function own(file, key) {
  return Object.hasOwn(file, key) ? file[key] : undefined;
}

/** @param {Index} index @param {string} key @returns {Promise<Life | undefined>} */
async function lifeOf(index, key) {
  return own(await load(`records/${crc32(key) & (index.buckets - 1)}`), key);
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

const HALF = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

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
  if (value === undefined) return tr("(unset)");
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

/** @param {number} many @param {Index} index */
function counted(many, { counted: [one, several] }) {
  return (many === 1 ? one : several).replace("{number}", counting.format(many));
}

/** @param {Index} index @param {number} capture @param {string} [before] */
function moment(index, capture, before = "") {
  const timestamp = index.captures.timestamp[capture - 1];
  const time = make("time", { class: "when", datetime: `${timestamp.replace(" ", "T")}Z` }, timestamp.slice(0, 16));
  return make("a", { class: "when", href: `${HERE}captures/${index.captures.page[capture - 1]}.html` }, before, time);
}

/** A text for an address; half of a surrogate pair has no place in one. @param {string} text */
function encoded(text) {
  return encodeURIComponent(text.replace(HALF, "\ufffd"));
}

/** Undo encodeURIComponent; what it did not make stays as it is. @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** @param {string} key */
function recordAddress(key) {
  return `${HERE}record.html#${encoded(key)}`;
}

/** Address of a record's page on the hub; empty: it has none. @param {Index} index @param {string} key */
function hubAddress(index, key) {
  if (!index.link) return "";
  const quoted = encoded(key).replaceAll("%2F", "/");
  return `${index.link.before}${quoted}${index.link.after}`;
}

/** @param {string} address */
function isOfTheWeb(address) {
  return /^https?:\/\//i.test(address);
}

/** A link to a page on the hub; only addresses of the web. @param {string} address @param {string} text @param {string} label */
function hubLink(address, text, label) {
  if (!isOfTheWeb(address)) return "";
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
  const whole = [exactWords(field, old), exactWords(field, now)];
  let [was, is] = whole;
  if (was === is && typeof old === "number" && typeof now === "number") [was, is] = [counting.format(old), counting.format(now)];
  if (typeof old === "string" && typeof now === "string") [was, is] = aroundDifference(was, is);
  const cells = make("dd", {}, make("del", {}, bdi(clipped(was))), " → ", make("ins", {}, bdi(clipped(is))));
  if (was.startsWith("…") || whole.some((text) => text.length > LONGEST)) {
    const [before, after] = [old, now].map((value) => bdi(words(field, value)));
    cells.append(make("details", { class: "small" }, make("summary", {}, tr("In full")), make("p", {}, make("del", {}, before)), make("p", {}, make("ins", {}, after))));
  }
  return [make("dt", {}, bdi(field)), cells];
}

/** @param {Shift[]} shifts */
function shiftList(shifts) {
  return make("dl", { class: "shifts" }, ...shifts.flatMap(shiftCells));
}

/** Say what went wrong, and offer to try again. @param {Element} place @param {string} what @param {() => void} again */
function trouble(place, what, again) {
  const button = make("button", { type: "button", onclick: () => { box.remove(); again(); } }, tr("Try again"));
  const box = make("div", { class: "trouble", role: "alert" }, make("p", {}, what), make("p", {}, button));
  place.prepend(box);
}

/** Show that something is on its way, if it takes a while. @template T @param {Element} place @param {Promise<T>} work @returns {Promise<T>} */
async function awaited(place, work) {
  place.setAttribute("aria-busy", "true");
  const note = make("p", { class: "loading", role: "status" }, tr("Loading …"));
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
  place.querySelector(":scope > .trouble")?.remove();
  awaited(place, task()).catch((error) => {
    console.warn(error);
    trouble(place, tr("The data of this page cannot be loaded. Perhaps it was just replaced: reload the page, or try again."), () => attempt(place, task));
  });
}

/* ---- Catalogue -------------------------------------------------------------------------- */

const FIRST_ROWS = 50;
const MORE_ROWS = 200;
const FACET_VALUES = 8;
const WRITE_AFTER = 250; // ms; Safari allows 100 changes of the address in 30 seconds

/** One column: values, or distinct values and their places. */
class Column {
  /** @param {Field} field @param {any} data */
  constructor(field, data) {
    this.field = field;
    const coded = !Array.isArray(data);
    /** @type {Json[]} */
    this.distinct = coded ? data.d : data;
    /** @type {Uint32Array | null} */
    this.places = coded ? Uint32Array.from(data.i) : null;
    /** @type {string[] | null} */
    this.lowered = null;
    /** @type {Uint32Array | null} */
    this.ranks = null;
    if (field.facet && !coded) this.code();
  }

  /** Replace the values by distinct values and their places. */
  code() {
    const values = this.distinct;
    this.distinct = [...new Set(values)];
    const places = new Map(this.distinct.map((value, place) => [value, place]));
    this.places = Uint32Array.from(values, (value) => /** @type {number} */ (places.get(value)));
  }

  /** @param {number} row */
  value(row) {
    return this.distinct[this.places ? this.places[row] : row];
  }

  /** The distinct values as they are searched and sorted. */
  get texts() {
    this.lowered ??= this.distinct.map((each) => (each === null ? "" : words(this.field.name, each).toLowerCase()));
    return this.lowered;
  }

  /** Mark the rows whose value has a word. @param {string} word @param {Uint8Array} mask */
  mark(word, mask) {
    const having = this.texts.map((text) => text.includes(word));
    const places = /** @type {Uint32Array} */ (this.places);
    if (having.includes(true)) for (let row = 0; row < places.length; row += 1) if (having[places[row]]) mask[row] = 1;
  }

  /** The place of each distinct value in ascending order, the same for equal ones. */
  ranked() {
    if (this.ranks) return this.ranks;
    const keys = this.field.kind === "number" ? /** @type {number[]} */ (this.distinct) : this.texts;
    const order = this.distinct.map((_, place) => place).filter((place) => this.distinct[place] !== null);
    order.sort((a, b) => (keys[a] < keys[b] ? -1 : Number(keys[a] > keys[b])));
    const ranks = new Uint32Array(keys.length);
    order.forEach((place, at) => {
      ranks[place] = at && keys[order[at - 1]] === keys[place] ? ranks[order[at - 1]] : at;
    });
    this.ranks = ranks;
    return ranks;
  }

  /** All rows in the order of their values; absent ones last, equal ones by key. @param {number} rows @param {boolean} down */
  sorted(rows, down) {
    const ranks = this.ranked();
    const most = this.distinct.length;
    // Rank and row in one number: numbers are sorted without a function, which is many times faster.
    const order = Float64Array.from({ length: rows }, (_, row) => {
      const place = this.places ? this.places[row] : row;
      const rank = this.distinct[place] === null ? most : down ? most - 1 - ranks[place] : ranks[place];
      return rank * rows + row;
    });
    return Uint32Array.from(order.sort(), (each) => each % rows);
  }
}

/** The texts of all rows in one: to search it once is faster than to search each row. */
class Haystack {
  /** @param {string[]} lines  In lower case; none of the words that are searched has a line break. */
  constructor(lines) {
    this.ends = new Uint32Array(lines.length);
    let end = 0;
    lines.forEach((line, row) => { this.ends[row] = end += line.length + 1; });
    this.text = lines.join("\n");
  }

  /** Mark the rows that have a word. @param {string} word @param {Uint8Array} mask */
  mark(word, mask) {
    const { text, ends } = this;
    let row = 0;
    for (let found = text.indexOf(word); found >= 0; found = text.indexOf(word, ends[row])) {
      while (ends[row] <= found) row += 1;
      mask[row] = 1;
    }
  }
}

/** The catalogue: what is asked for is in the address; what answers is drawn into the page. */
class Catalogue {
  /** @param {Index} index */
  constructor(index) {
    this.index = index;
    /** @type {Map<string, Field>} */
    this.fields = new Map(index.fields.map((field) => [field.name, field]));
    /** @type {Map<string, Column>} */
    this.columns = new Map();
    /** @type {string[]} */
    this.keys = [];
    /** @type {string[]} */
    this.labels = [];
    /** @type {(string | null)[]} */
    this.links = [];
    const metric = index.fields.find((field) => field.metric && field.kind === "number");
    this.first = metric ? `-${metric.name}` : "@key";
    this.usual = index.fields.filter((field) => field.shown).map((field) => field.name);
    this.facets = index.fields.filter((field) => field.facet);
    this.words = "";
    this.sort = this.first;
    this.shown = this.usual;
    /** @type {Map<string, Set<string>>} */
    this.chosen = new Map();
    /** @type {Map<string, number>} */
    this.least = new Map();
    /** @type {Uint32Array} */
    this.order = new Uint32Array();
    this.ordered = "";
    /** @type {Uint32Array} */
    this.found = new Uint32Array();
    /** @type {Map<string, Uint8Array>} */
    this.masks = new Map();
    /** @type {Haystack | null} */
    this.haystack = null;
    /** @type {Line[]} */
    this.lines = [];
    this.drawn = 0;
    /** @type {Map<string, FacetBox>} */
    this.boxes = new Map();
    this.writing = 0;
  }

  /** The field by which the rows are sorted. */
  get sorter() {
    return this.sort.replace(/^-/, "");
  }

  /* What is asked for, in the address. */

  read() {
    clearTimeout(this.writing);
    const asked = new URLSearchParams(location.hash.slice(1));
    const { fields } = this;
    this.words = asked.get("q") ?? "";
    this.sort = asked.get("sort") ?? this.first;
    if (!fields.has(this.sorter) && this.sorter !== "@key") this.sort = this.first;
    const columns = asked.get("columns");
    this.shown = columns === null ? this.usual : columns.split(",").map(decoded).filter((name) => fields.has(name));
    this.chosen = new Map();
    for (const { name } of this.facets) if (asked.has(`is.${name}`)) this.chosen.set(name, new Set(asked.getAll(`is.${name}`)));
    this.least = new Map();
    for (const { name, kind } of fields.values()) {
      const least = parseFloat(asked.get(`min.${name}`) ?? "");
      if (kind === "number" && !Number.isNaN(least)) this.least.set(name, least);
    }
  }

  write() {
    clearTimeout(this.writing);
    const view = new URLSearchParams();
    if (this.words.trim()) view.set("q", this.words.trim());
    if (this.sort !== this.first) view.set("sort", this.sort);
    const columns = this.shown.map(encodeURIComponent).join(",");
    if (columns !== this.usual.map(encodeURIComponent).join(",")) view.set("columns", columns);
    for (const [name, values] of this.chosen) for (const value of values) view.append(`is.${name}`, value);
    for (const [name, least] of this.least) view.set(`min.${name}`, String(least));
    const text = view.toString();
    history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
  }

  /* What answers. */

  /** Load what the view needs, and nothing else. */
  async prepare() {
    const { index } = this;
    const { needed } = this;
    const missing = index.fields.filter(({ name }) => needed.has(name) && !this.columns.has(name));
    const [keys, labels, links, ...columns] = await Promise.all([
      load("columns/key"),
      index.labels ? load("columns/label") : [],
      index.links ? load("columns/link") : [],
      ...missing.map((field) => load(`columns/${index.fields.indexOf(field)}`)),
    ]);
    [this.keys, this.labels, this.links] = [keys, labels, links];
    missing.forEach((field, place) => this.columns.set(field.name, new Column(field, columns[place])));
  }

  /** @param {string} name */
  column(name) {
    return /** @type {Column} */ (this.columns.get(name));
  }

  /** Columns that are searched. */
  get searched() {
    return this.shown.filter((name) => this.fields.get(name)?.kind !== "number").map((name) => this.column(name));
  }

  /** Lay out the texts in which words are searched: key, label, and columns whose values rarely repeat. */
  layOut() {
    if (this.haystack) return this.haystack;
    const columns = this.searched.filter((column) => !column.places);
    this.haystack = new Haystack(this.keys.map((key, row) => {
      const own = `${key}\n${this.labels[row] ?? ""}`.toLowerCase();
      return columns.reduce((line, column) => `${line}\n${column.texts[row]}`, own);
    }));
    return this.haystack;
  }

  /** The rows that have a word, as ones. @param {string} word */
  mask(word) {
    let mask = this.masks.get(word);
    if (!mask) {
      mask = new Uint8Array(this.keys.length);
      this.layOut().mark(word, mask);
      for (const column of this.searched) if (column.places) column.mark(word, mask);
    }
    return mask;
  }

  /** The rows that every word and every least value lets through, as ones. */
  filtered() {
    const asked = this.words.toLowerCase().split(/\s+/).filter(Boolean);
    this.masks = new Map(asked.map((word) => [word, this.mask(word)]));
    const through = new Uint8Array(this.keys.length).fill(1);
    for (const mask of this.masks.values()) for (let row = 0; row < through.length; row += 1) through[row] &= mask[row];
    for (const [name, least] of this.least) {
      const column = this.column(name);
      for (let row = 0; row < through.length; row += 1) {
        const value = column.value(row);
        if (value === null || /** @type {number} */ (value) < least) through[row] = 0;
      }
    }
    return through;
  }

  /** Find the rows that are asked for, and count the values of each facet among the rows that the others let through. */
  find() {
    const through = this.filtered();
    const facets = this.facets.map((field) => this.facet(field));
    const found = new Uint32Array(this.keys.length);
    let many = 0;
    for (const row of this.order) {
      if (!through[row]) continue;
      let failures = 0;
      let failed = facets[0];
      for (const facet of facets) {
        if (!facet.allowed || facet.allowed[facet.places[row]]) continue;
        failures += 1;
        failed = facet;
      }
      if (failures === 0) {
        found[many] = row;
        many += 1;
        for (const { counts, places } of facets) counts[places[row]] += 1;
      } else if (failures === 1) {
        failed.counts[failed.places[row]] += 1;
      }
    }
    this.found = found.subarray(0, many);
    return facets;
  }

  /** @param {Field} field @returns {Facet} */
  facet(field) {
    const { distinct, places } = this.column(field.name);
    const chosen = this.chosen.get(field.name);
    const allowed = chosen && distinct.map((value) => chosen.has(facetName(value)));
    return { field, distinct, places: /** @type {Uint32Array} */ (places), allowed, counts: new Uint32Array(distinct.length) };
  }

  /** Put all rows in the order that is asked for. */
  arrange() {
    if (this.ordered === this.sort) return;
    this.ordered = this.sort;
    const down = this.sort.startsWith("-");
    const rows = this.keys.length;
    const column = this.columns.get(this.sorter);
    this.order = column ? column.sorted(rows, down) : Uint32Array.from({ length: rows }, (_, row) => (down ? rows - 1 - row : row));
  }

  /* What is drawn. */

  /** Names of the columns without which nothing can be answered. */
  get needed() {
    const names = new Set([...this.shown, ...this.facets.map(({ name }) => name), ...this.least.keys(), this.sorter]);
    names.delete("@key");
    return names;
  }

  /** Answer while the reader types: the address is written when that pauses. */
  type() {
    this.refresh(false);
    clearTimeout(this.writing);
    this.writing = setTimeout(() => this.write(), WRITE_AFTER);
  }

  /** Answer and draw. */
  refresh(written = true) {
    if ([...this.needed].some((name) => !this.columns.has(name))) return; // `renew` draws when they are here
    this.arrange();
    const facets = this.find();
    this.drawFacets(facets);
    this.drawHead();
    this.drawn = 0;
    this.drawRows(FIRST_ROWS);
    this.drawCount();
    if (written) this.write();
  }

  drawCount() {
    const [many, all] = [this.found.length, this.keys.length];
    const words = counted(all, this.index);
    byId("count").textContent = many === all ? words : tr("{found} of {all}", { found: counting.format(many), all: words });
  }

  /** Draw some more rows: into lines of the table that are there already, as far as there are any. @param {number} more */
  drawRows(more) {
    const body = byId("records").tBodies[0];
    const end = Math.min(this.drawn + more, this.found.length);
    for (let place = this.drawn; place < end; place += 1) {
      this.lines[place] ??= new Line(this);
      this.lines[place].fill(this.found[place]);
    }
    this.drawn = end;
    const lines = this.lines.slice(0, end).map(({ element }) => element);
    if (body.rows.length !== end || lines.some((line, place) => line !== body.rows[place])) body.replaceChildren(...lines);
    this.drawRest();
  }

  drawRest() {
    const rest = this.found.length - this.drawn;
    const more = byId("more");
    more.hidden = rest <= 0;
    more.textContent = tr("Show {number} more of {rest}", { number: counting.format(Math.min(rest, MORE_ROWS)), rest: counting.format(rest) });
    const empty = byId("empty");
    if (this.found.length) empty?.remove();
    else if (!empty) byId("records").parentElement.after(this.emptiness());
  }

  emptiness() {
    const clear = () => {
      this.words = byId("words").value = "";
      this.chosen.clear();
      this.least.clear();
      this.drawLeast();
      this.refresh();
      byId("words").focus();
    };
    const button = make("button", { type: "button", onclick: clear }, tr("Clear search and filters"));
    return make("div", { class: "empty", id: "empty" }, make("p", {}, tr("No {record} is like that.", { record: this.index.noun[0] })), make("p", {}, button));
  }

  more() {
    const before = this.drawn;
    this.drawRows(MORE_ROWS);
    this.lines[before]?.link.focus();
  }

  drawHead() {
    const names = ["@key", ...this.shown];
    const line = byId("records").tHead.rows[0];
    const drawn = [...line.querySelectorAll("button")].map((button) => button.dataset.column);
    if (drawn.join("\n") !== names.join("\n")) line.replaceChildren(...names.map((name) => this.headCell(name)));
    names.forEach((name, place) => {
      const order = this.sort.startsWith("-") ? "descending" : "ascending";
      line.cells[place].setAttribute("aria-sort", name === this.sorter ? order : "none");
    });
  }

  /** @param {string} name */
  headCell(name) {
    const field = this.fields.get(name);
    const button = make("button", { type: "button", "data-column": name, onclick: () => this.sortBy(name) }, visible(field ? name : this.index.first));
    return make("th", { scope: "col", class: field?.kind === "number" ? "number" : null }, button);
  }

  /** Sort by a column: numbers from the greatest at first, all else from the least. @param {string} name */
  sortBy(name) {
    const [usual, other] = this.fields.get(name)?.kind === "number" ? [`-${name}`, name] : [name, `-${name}`];
    this.sort = this.sort === usual ? other : usual;
    this.refresh();
  }

  /** @param {Facet[]} facets */
  drawFacets(facets) {
    const place = byId("facets");
    const focused = place.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement) : null;
    for (const facet of facets) {
      let box = this.boxes.get(facet.field.name);
      if (!box) {
        box = new FacetBox(this, facet);
        this.boxes.set(facet.field.name, box);
        place.append(box.element);
      }
      box.draw(facet, this.chosen.get(facet.field.name) ?? new Set());
    }
    if (focused?.isConnected && focused !== document.activeElement) focused.focus();
  }

  /** @param {string} field @param {string} value */
  choose(field, value) {
    const chosen = this.chosen.get(field) ?? new Set();
    if (!chosen.delete(value)) chosen.add(value);
    if (chosen.size) this.chosen.set(field, chosen);
    else this.chosen.delete(field);
    this.refresh();
  }

  /** Offer a least value for each column of numbers that is shown, or that has one. */
  drawLeast() {
    const fields = this.index.fields.filter(({ name, kind }) => kind === "number" && (this.shown.includes(name) || this.least.has(name)));
    const lines = fields.map(({ name }) => {
      const box = make("input", { type: "number", step: "any", value: this.least.get(name) ?? "", oninput: () => this.limit(name, /** @type {any} */ (box).value) });
      return make("label", {}, bdi(name), box);
    });
    byId("least")?.remove();
    if (lines.length) byId("facets").append(make("fieldset", { id: "least" }, make("legend", {}, tr("At least")), ...lines));
  }

  /** @param {string} name @param {string} text */
  limit(name, text) {
    const least = parseFloat(text);
    if (Number.isNaN(least)) this.least.delete(name);
    else this.least.set(name, least);
    this.type();
  }

  drawColumns() {
    const box = byId("columns");
    const boxes = this.index.fields.map(({ name }) => make("label", {}, make("input", { type: "checkbox", checked: this.shown.includes(name), onchange: () => this.toggle(name) }), bdi(name)));
    box.replaceChildren(box.querySelector("summary"), ...boxes);
    box.classList.remove("pending");
  }

  /** Show a column, or hide it. @param {string} name */
  toggle(name) {
    const shown = new Set(this.shown);
    if (!shown.delete(name)) shown.add(name);
    this.shown = this.index.fields.map((each) => each.name).filter((each) => shown.has(each));
    this.renew();
  }

  /** Load what is missing, then draw another choice of columns. */
  renew() {
    attempt(byId("facets").parentElement, async () => {
      await this.prepare();
      this.lines = [];
      this.masks.clear();
      this.haystack = null;
      this.drawLeast();
      this.refresh();
    });
  }

  /** Draw for the first time, over the rows that the page came with. */
  takeOver() {
    const links = () => [...byId("records").querySelectorAll("tbody a")];
    const focused = links().indexOf(document.activeElement);
    this.drawColumns();
    this.refresh();
    this.drawLeast();
    links()[focused]?.focus();
    setTimeout(() => this.layOut()); // so that the first key stroke need not
  }

  /** Answer what the reader does. */
  listen() {
    const box = byId("words");
    box.addEventListener("input", () => { this.words = box.value; this.type(); });
    byId("filters").addEventListener("submit", (/** @type {any} */ event) => { event.preventDefault(); this.write(); });
    byId("records").addEventListener("click", () => this.write());
    byId("more").addEventListener("click", () => this.more());
    addEventListener("hashchange", () => { this.read(); box.value = this.words; this.drawColumns(); this.renew(); });
    addEventListener("keydown", (event) => {
      const target = /** @type {Element} */ (event.target);
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || target.closest("input, select, textarea")) return;
      event.preventDefault();
      box.focus();
    });
  }
}

/** A row of the table, which shows one record after the other. */
class Line {
  /** @param {Catalogue} catalogue */
  constructor(catalogue) {
    this.catalogue = catalogue;
    this.name = bdi("");
    this.link = make("a", {}, this.name);
    this.hub = make("a", { class: "hub", rel: "noopener noreferrer" }, "↗");
    this.texts = catalogue.shown.map(() => bdi(""));
    this.cells = this.texts.map((text) => make("td", {}, make("span", { class: "clip" }, text)));
    this.element = make("tr", {}, make("th", { scope: "row" }, this.link, " ", this.hub), ...this.cells);
    this.row = -1;
  }

  /** @param {number} row */
  fill(row) {
    if (this.row === row) return;
    this.row = row;
    const { keys, labels, links, index, shown } = this.catalogue;
    const [key, label] = [keys[row], labels[row]];
    this.name.textContent = visible(label && label !== key ? `${label} (${key})` : key);
    this.link.setAttribute("href", recordAddress(key));
    const address = index.links ? links[row] ?? "" : hubAddress(index, key);
    this.hub.hidden = !isOfTheWeb(address);
    if (this.hub.hidden) this.hub.removeAttribute("href");
    else this.hub.setAttribute("href", address);
    this.hub.setAttribute("aria-label", tr("{key} on the hub", { key: visible(key) }));
    shown.forEach((name, place) => {
      const value = this.catalogue.column(name).value(row);
      this.texts[place].textContent = value === null ? "" : visible(words(name, value));
      this.cells[place].classList.toggle("number", typeof value === "number");
    });
  }
}

/** @typedef {{field: Field, distinct: Json[], places: Uint32Array, allowed: boolean[] | undefined, counts: Uint32Array}} Facet */
/** @typedef {{name: string, place: number, label: HTMLElement, box: HTMLInputElement, count: HTMLElement}} Choice */

/** The values of a facet, to choose. */
class FacetBox {
  /** @param {Catalogue} catalogue @param {Facet} facet */
  constructor(catalogue, { field, distinct }) {
    this.all = false;
    this.more = make("button", { type: "button", class: "small", onclick: () => { this.all = true; catalogue.refresh(); } });
    this.element = make("fieldset", { "data-field": field.name }, make("legend", {}, bdi(field.name)));
    /** @type {Choice[]} */
    this.choices = distinct.map((value, place) => {
      const name = facetName(value);
      const box = /** @type {HTMLInputElement} */ (make("input", { type: "checkbox", "data-facet": `${field.name}=${name}`, onchange: () => catalogue.choose(field.name, name) }));
      const count = make("span", { class: "count" });
      return { name, place, box, count, label: make("label", {}, box, value === null ? make("i", {}, tr("none")) : bdi(name), count) };
    });
    this.choices.sort((a, b) => collator.compare(a.name, b.name));
  }

  /** @param {Facet} facet @param {Set<string>} chosen */
  draw({ counts }, chosen) {
    const there = this.choices.filter(({ name, place }) => counts[place] || chosen.has(name));
    there.sort((a, b) => Number(chosen.has(b.name)) - Number(chosen.has(a.name)) || counts[b.place] - counts[a.place]);
    const cut = this.all ? there : there.slice(0, Math.max(FACET_VALUES, chosen.size));
    for (const { name, place, box, count } of cut) {
      box.checked = chosen.has(name);
      count.textContent = counting.format(counts[place]);
    }
    this.more.textContent = tr("{number} more", { number: counting.format(there.length - cut.length) });
    const lines = [this.element.firstElementChild, ...cut.map(({ label }) => label), ...(there.length > cut.length ? [this.more] : [])];
    const now = [...this.element.children];
    if (now.length !== lines.length || now.some((each, place) => each !== lines[place])) this.element.replaceChildren(.../** @type {Element[]} */ (lines));
  }
}

/** What a value is called in a facet and in the address. @param {Json} value */
function facetName(value) {
  return value === null ? "" : String(value);
}

async function catalogue() {
  const index = await loadIndex();
  const found = new Catalogue(index);
  found.read();
  await found.prepare();
  const box = byId("words");
  if (box.value && !found.words) found.words = box.value;
  box.value = found.words;
  const filters = byId("facets").parentElement;
  filters.classList.remove("pending");
  filters.open = matchMedia("(min-width: 56rem)").matches;
  found.takeOver();
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
    for (const [place, flat] of Object.entries(own(part, key) ?? {})) {
      const series = (values[index.metrics[Number(place)]] ??= []);
      for (let at = 0; at < flat.length; at += 2) {
        if (!series.length || series[series.length - 1][0] < flat[at]) series.push([flat[at], flat[at + 1]]);
      }
    }
  }
  return Object.fromEntries(index.metrics.filter((name) => name in values).map((name) => [name, values[name]]));
}

/** Whether an event begins or ends a time in the catalogue. @param {News} event @returns {boolean | null} */
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
const MOST_YEARS = 4;
const NEAR = 0.25; // of the width: so near to an end a year would stand upon the date there

/** @param {string} tag @param {{[name: string]: string}} attributes */
function draw(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/** The beginnings of years (of every other, or fewer, where there are many), and where each lies from 0 to 1. @param {number} start @param {number} end @returns {[string, number][]} */
function yearsBetween(start, end) {
  const [first, last] = [start, end].map((time) => new Date(time).getUTCFullYear());
  const step = Math.ceil((last - first) / MOST_YEARS) || 1;
  const years = Array.from({ length: Math.floor((last - first) / step) }, (_, at) => last - at * step);
  return years.reverse().map((year) => [String(year), (Date.UTC(year, 0) - start) / (end - start)]);
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
  const told = tr("from {first} to {last}; at least {least}, at most {most}", { first, last, least: low, most: high });
  const svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": `${visible(name)}: ${told}` });
  svg.append(draw("path", { class: "chart-area", d: area }), draw("path", { class: "chart-line", d: line }));
  const [from, to] = [series[0][0], index.captures.timestamp.length].map((capture) => make("span", {}, index.captures.timestamp[capture - 1].slice(0, 10)));
  const years = yearsBetween(start, end).map(([year, part]) => {
    svg.prepend(draw("path", { class: "chart-year", d: `M${(part * WIDTH).toFixed(1)} 0V${HEIGHT}` }));
    const label = make("span", { class: "year" }, year);
    label.style.left = `${(part * 100).toFixed(1)}%`;
    label.hidden = part < NEAR || part > 1 - NEAR;
    return label;
  });
  return make("figure", { class: "low" }, make("figcaption", {}, make("b", {}, bdi(name)), `: ${told}`), svg, make("div", { class: "axis" }, from, ...years, to));
}

/** @param {Index} index @param {News} event */
function eventItem(index, [capture, kind, ...rest]) {
  const item = make("li", {}, moment(index, capture), " ", make("span", { class: `kind ${kind}` }, KINDS[kind] ?? kind));
  if (kind === "renamed") item.append(` ${rest[0]} `, make("a", { href: recordAddress(rest[1]) }, bdi(rest[1])));
  else if (kind === "updated") item.append(shiftList(rest[0]));
  else if (rest[0]) item.append(make("span", { class: "soft" }, tr(" ({words})", { words: visible(rest[0]) })));
  return item;
}

const ENDS = /** @type {{[kind: string]: string}} */ ({ removed: tr("Removed"), renamed: tr("Renamed"), left: tr("Left the window") });

/** @param {Index} index @param {Life} life */
function stateWords(index, life) {
  const time = (/** @type {number} */ capture) => `${index.captures.timestamp[capture - 1].slice(0, 16)} UTC`;
  const since = tr("first seen {at}", { at: time(life.since) });
  if (!life.gone) return tr("In the catalogue; {since}.", { since });
  const last = life.events[life.events.length - 1];
  const gone = ENDS[life.gone] ?? tr("Gone");
  if (!last || presence(last) !== false) return tr("{gone}; {since}.", { gone, since });
  const at = time(last[0]);
  if (last[1] === "renamed") return tr("{gone} on {at}, now {key}; {since}.", { gone, at, key: visible(last[3]), since });
  return last[2] ? tr("{gone} on {at} ({cause}); {since}.", { gone, at, cause: visible(last[2]), since }) : tr("{gone} on {at}; {since}.", { gone, at, since });
}

/** A choice of captures that shows the record as it was then. @param {Index} index @param {string} key @param {Life} life */
function asOf(index, key, life) {
  const place = make("div", { "aria-live": "polite" });
  const options = index.captures.timestamp.map((timestamp, at) => make("option", { value: at + 1 }, timestamp.slice(0, 16))).slice(life.since - 1).reverse();
  const select = make("select", { id: "as-of-capture" }, make("option", { value: "" }, tr("now")), ...options);
  select.addEventListener("change", () => {
    const capture = Number(/** @type {HTMLSelectElement} */ (select).value);
    place.replaceChildren();
    if (!capture) return;
    attempt(place, async () => {
      const values = index.eras.length ? await valuesOf(index, key, true) : {};
      if (capture !== Number(/** @type {HTMLSelectElement} */ (select).value)) return;
      const record = stateAt(life, capture);
      const when = index.captures.timestamp[capture - 1].slice(0, 16);
      place.replaceChildren(make("h3", {}, tr("As of {when} UTC", { when })), record ? factList({ ...record, ...valuesAt(values, capture) }) : make("p", { class: "soft" }, tr("It was not in the catalogue on {when} UTC.", { when })));
    });
  });
  return make("section", { "aria-label": tr("As it was") }, make("p", { class: "choose" }, make("label", { for: "as-of-capture" }, tr("As of"), " ", select)), place);
}

/** @param {Index} index @param {string} key @param {HTMLElement} place */
async function drawRecord(index, key, place) {
  const life = key ? await lifeOf(index, key) : undefined;
  const newest = life && index.eras.length ? await valuesOf(index, key, false) : {};
  if (key !== keyOfAddress()) return; // the reader has gone on to another record
  if (!life) {
    const search = make("a", { href: `${HERE}catalogue.html#q=${encodeURIComponent(key)}` }, tr("search the catalogue"));
    document.title = tr("Unknown {record}", { record: index.noun[0] });
    place.replaceChildren(make("h1", {}, key ? bdi(key) : tr("A {record}", { record: index.noun[0] })), make("p", {}, tr("There was never such a {record} in this catalogue.", { record: index.noun[0] }), " ", search));
    return;
  }
  const shown = life.label && life.label !== key ? `${life.label} (${key})` : key;
  document.title = `${visible(shown)} · ${index.source}`;
  const last = life.gone ? Math.max(life.since, ...life.events.map(([capture]) => capture)) - 1 : index.captures.timestamp.length;
  const hub = life.gone ? "" : life.hub ?? hubAddress(index, key);
  const charts = make("div", { class: "charts" });
  const drawCharts = (/** @type {Values} */ values) => {
    charts.replaceChildren(...Object.entries(values).flatMap(([name, series]) => chart(index, name, series) ?? []));
    metrics.hidden = !charts.childElementCount && !earlier.isConnected;
  };
  const earlier = make("p", {}, make("button", { type: "button", onclick: () => attempt(metrics, async () => { drawCharts(await valuesOf(index, key, true)); earlier.remove(); }) }, tr("Show earlier values")));
  const metrics = make("section", { "aria-labelledby": "metrics" }, make("h2", { id: "metrics" }, tr("Metrics")), charts);
  if (index.eras.length > 1 && life.since < index.eras[index.eras.length - 1].from) metrics.append(earlier);
  place.replaceChildren(
    make("p", { class: "way" }, make("a", { href: `${HERE}catalogue.html` }, tr("Catalogue"))),
    make("h1", {}, bdi(shown)),
    make("p", { class: "lead" }, life.gone ? make("span", { class: "kind removed" }, stateWords(index, life)) : stateWords(index, life), " ", hubLink(hub, tr("Its page on the hub"), "")),
    asOf(index, key, life),
    make("section", { "aria-labelledby": "state" }, make("h2", { id: "state" }, life.gone ? tr("As it last was") : tr("As it is")), factList({ ...life.record, ...valuesAt(newest, last) })),
    metrics,
    make("section", { "aria-labelledby": "timeline" }, make("h2", { id: "timeline" }, tr("Timeline")),
      make("ol", { class: "timeline", reversed: true }, ...[...life.events].reverse().map((event) => eventItem(index, event)),
        make("li", {}, moment(index, life.since), " ", make("span", { class: "kind new" }, tr("first seen"))))),
  );
  drawCharts(newest);
}

/** The key that the address names. */
function keyOfAddress() {
  return decoded(location.hash.slice(1));
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
const TITLES = /** @type {{[kind: string]: string}} */ ({ removed: tr("Removed"), renamed: tr("Renamed"), returned: tr("Returned"), new: tr("New"), updated: tr("Updated"), left: tr("Left"), entered: tr("Entered") });
const LISTED = 200;

/** @typedef {{key: string, kind: string, cause?: string, old?: string, shifts?: Shift[], severity?: string}} Net  What happened to a record between two captures. */

/** @param {Net} change */
function changeItem({ key, kind, cause, old, shifts, severity }) {
  const body = make("div", {});
  if (kind === "renamed") body.append(make("del", {}, bdi(old ?? "")), " → ");
  body.append(make("a", { href: recordAddress(key) }, bdi(key)));
  if (severity) body.append(" ", make("span", { class: `severity ${severity}` }, SEVERITIES[severity] ?? severity));
  if (cause) body.append(make("span", { class: "soft" }, tr(" ({words})", { words: visible(cause) })));
  if (shifts) body.append(shiftList(shifts));
  return make("li", {}, body);
}

/** A change of one capture, as it is in a data file. @param {[string, string, any, string?]} change @returns {Net} */
function asNet([key, kind, rest, severity]) {
  if (kind === "renamed") return { key: rest, kind, old: key };
  if (kind === "updated") return { key, kind, shifts: rest, severity };
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
 * @param {[string, string, any, string?][][]} captures
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
  for (const [key, kind, rest, became = ""] of captures.flat()) {
    if (kind === "updated") {
      const { fields } = track(key, true);
      for (const [field, old, now] of rest) fields.set(field, [fields.get(field)?.[0] ?? old, now]);
    } else if (kind === "renamed") {
      Object.assign(track(key, true), { now: false, went: "removed", cause: tr("renamed to {key}", { key: rest }), to: rest });
      come(rest, "new");
    } else if (kind === "removed" || kind === "left") {
      Object.assign(track(key, true), { now: false, went: kind, cause: rest ?? "", to: became });
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
  const wrapped = (/** @type {{[name: string]: Json}} */ record, /** @type {string} */ name) => (Object.hasOwn(record, name) ? [record[name]] : []);
  return names.map((name) => /** @type {Shift} */ ([name, wrapped(old, name), wrapped(now, name)])).filter(([, a, b]) => JSON.stringify(a) !== JSON.stringify(b));
}

/** What differs between two captures. @param {Index} index @param {number} from @param {number} to @returns {Promise<Net[]>} */
async function between(index, from, to) {
  const quiet = (/** @type {number} */ capture) => ORDER.every((kind) => index.captures[kind][capture - 1] === 0);
  const numbers = Array.from({ length: to - from }, (_, at) => from + at + 1).filter((capture) => !quiet(capture));
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
    const section = make("section", { "aria-labelledby": `net-${kind}` }, make("h2", { id: `net-${kind}` }, tr("{title} ({number})", { title: TITLES[kind], number: counting.format(found.length) })), list);
    if (found.length > LISTED) {
      const all = make("button", { type: "button", onclick: () => { list.append(...found.slice(LISTED).map(changeItem)); all.remove(); } }, tr("Show {number} more", { number: counting.format(found.length - LISTED) }));
      section.append(make("p", { class: "more" }, all));
    }
    return [section];
  });
  place.replaceChildren(...(sections.length ? sections : [make("p", { class: "empty" }, tr("Nothing differs but metrics, if anything."))]));
}

async function compare() {
  const index = await loadIndex();
  const { timestamp, page, total } = index.captures;
  const [from, to] = [byId("from"), byId("to")];
  for (const select of [from, to]) {
    select.append(...timestamp.map((time, at) => make("option", { value: page[at], disabled: total[at] === null }, `${time.slice(0, 16)}, ${total[at] === null ? tr("cannot be read") : counted(total[at] ?? 0, index)}`)).reverse());
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
      if (a !== page.indexOf(from.value) + 1 || b !== page.indexOf(to.value) + 1) return;
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
      const worstFirst = changes.map(asNet).sort((one, other) => Number(!one.severity) - Number(!other.severity));
      byId(`list-${kind}`).replaceChildren(...worstFirst.map(changeItem));
      button.parentElement?.remove();
    }));
    button.removeAttribute("hidden");
  }
}

/* ---- Times ------------------------------------------------------------------------------ */

const HOUR = 3_600_000;

/** @param {number} hours */
function agoWords(hours) {
  const relative = new Intl.RelativeTimeFormat(LANGUAGE, { numeric: "auto" });
  const spaced = (/** @type {string} */ words) => words.replace(/(\d)(?=\p{Script=Han})/gu, "$1 ");
  if (hours < 1) return spaced(relative.format(-Math.max(Math.round(hours * 60), 0), "minute"));
  return spaced(hours < 48 ? relative.format(-Math.round(hours), "hour") : relative.format(-Math.round(hours / 24), "day"));
}

/** Say how long ago times were, for those who point at them. */
function tellAgo() {
  for (const time of /** @type {NodeListOf<HTMLTimeElement>} */ (document.querySelectorAll("time.ago"))) {
    time.title = agoWords((Date.now() - Date.parse(time.dateTime)) / HOUR);
  }
}

/* ---- Overview --------------------------------------------------------------------------- */

const LATE = 3;

/** Say how long ago the newest capture was, and warn where captures stopped. */
async function overview() {
  const place = byId("health");
  const hours = (Date.now() - Date.parse(place.dataset.captured)) / HOUR;
  const usual = Number(place.dataset.usualHours);
  const late = usual > 0 && hours > LATE * usual;
  const ago = agoWords(hours);
  byId("ago").append(make("span", { class: late ? "late" : "soft" }, late ? tr("Late: that was {ago}.", { ago }) : tr("That was {ago}.", { ago })));
}

/* ---- Which page this is ----------------------------------------------------------------- */

const PAGES = /** @type {{[page: string]: () => Promise<void>}} */ ({ catalogue, record, compare, capture, overview });

/** Go to the content without a change of the address, which holds the view. */
function skip() {
  document.querySelector("a.skip")?.addEventListener("click", (event) => {
    event.preventDefault();
    byId("main").tabIndex = -1;
    byId("main").focus();
  });
}

skip();
tellAgo();
if (PAGES[PAGE]) attempt(byId("main"), PAGES[PAGE]);
if (PAGE === "record" && byId("record")) addEventListener("hashchange", () => { scrollTo(0, 0); attempt(byId("main"), record); });
