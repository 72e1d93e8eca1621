"use strict";
// Filter and sort the table: 200 rows at first, more on request; text only, never markup.
const records = JSON.parse(document.getElementById("data").textContent);
const links = records.map((row) => row.pop());
const texts = records.map((row) => row.join("\n").toLowerCase());
const [filter, count, body, more] = ["filter", "count", "rows", "more"].map((id) => document.getElementById(id));
const heads = [...document.querySelectorAll("thead th")];
const collator = new Intl.Collator("en", { numeric: true });
const number = new Intl.NumberFormat("en", { maximumFractionDigits: 12 });
let order = records.map((_, index) => index), found = order, drawn = 0;

function size(bytes) {
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), 5);
  return `${(bytes / 1000 ** power).toFixed(1).replace(".0", "")} ${["B", "kB", "MB", "GB", "TB", "PB"][power]}`;
}
function shown(value, column) {
  if (typeof value !== "number") return value ?? "";
  if ("plain" in heads[column].dataset) return String(value);
  return heads[column].textContent === "size" ? size(value) : number.format(value);
}
function linked(address, key) {
  const link = document.createElement("a");
  link.href = address;
  link.rel = "noreferrer";
  link.textContent = key;
  return link;
}
function compare(a, b) {
  if (a === null || b === null) return (a === null) - (b === null);
  return typeof a === "number" && typeof b === "number" ? a - b : collator.compare(a, b);
}
function draw(rows) {
  for (const index of found.slice(drawn, drawn + rows)) {
    const line = body.insertRow();
    records[index].forEach((value, column) => {
      const cell = document.createElement(column ? "td" : "th");
      if (!column) cell.scope = "row";
      if (typeof value === "number") cell.className = "number";
      cell.dir = "auto";
      cell.dataset.name = heads[column].textContent;
      cell.append(!column && /^https?:/.test(links[index]) ? linked(links[index], value) : shown(value, column));
      line.append(cell);
    });
  }
  drawn = Math.min(drawn + rows, found.length);
  more.hidden = drawn === found.length;
  more.textContent = more.dataset.words.replace("{rest}", number.format(found.length - drawn));
}
function refresh() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  found = order.filter((index) => words.every((word) => texts[index].includes(word)));
  const all = (records.length === 1 ? count.dataset.one : count.dataset.many).replace("{number}", number.format(records.length));
  count.textContent = count.dataset.of.replace("{found}", number.format(found.length)).replace("{all}", all);
  body.replaceChildren();
  drawn = 0;
  draw(200);
}
heads.forEach((head, column) => head.firstElementChild.addEventListener("click", () => {
  const down = head.ariaSort === "ascending";
  heads.forEach((other) => { other.ariaSort = "none"; });
  head.ariaSort = down ? "descending" : "ascending";
  order.sort((a, b) => (down ? -1 : 1) * compare(records[a][column], records[b][column]));
  refresh();
}));
filter.addEventListener("input", refresh);
more.addEventListener("click", () => draw(1000));
refresh();
