"use strict";
// Tables that sort, filter, unfold and download as CSV, in a report page and in the lab.
const all = (query, base = document) => Array.from(base.querySelectorAll(query));
const make = (tag, set) => Object.assign(document.createElement(tag), set);
const SHOWN_ROWS = 12;
const FILTER_FROM = 8;
const inWords = new Intl.Collator(document.documentElement.lang);
const cellValue = (cell) => (cell.dataset.v === undefined ? cell.textContent : cell.dataset.v.split("|")[0]);

const compare = (a, b) => (isNaN(a) || isNaN(b) ? inWords.compare(a, b) : a - b);

function sortBy(table, head) {
  const column = head.cellIndex;
  const before = head.getAttribute("aria-sort");
  const rises = before ? before === "descending" : !head.matches(".number");
  const rows = all("tbody tr", table).map((row) => [cellValue(row.cells[column]), row]);
  const known = rows.filter(([value]) => value !== "").sort((a, b) => (rises ? 1 : -1) * compare(a[0], b[0]));
  const missing = rows.filter(([value]) => value === "");
  all("th", table).forEach((each) => each.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", rises ? "ascending" : "descending");
  table.tBodies[0].append(...known.concat(missing).map(([, row]) => row));
}

function csvOf(table) {
  const field = (value) => {
    const safe = isNaN(value) && /^[=+\-@\t\r\n＝＋－＠]/.test(value) ? "'" + value : value; // no formula
    return /[",\n\r]/.test(safe) ? '"' + safe.replace(/"/g, '""') + '"' : safe;
  };
  const kept = all("th:not(.drawn)", table);
  const heads = kept.flatMap((head) => (head.dataset.head ? head.dataset.head.split("|") : [head.textContent]));
  const lines = all("tbody tr", table).map((row) =>
    kept.flatMap((head) => {
      const cell = row.cells[head.cellIndex];
      return head.dataset.head ? cell.dataset.v.split("|") : [cell.dataset.v ?? cell.textContent];
    }));
  return "\ufeff" + [heads, ...lines].map((line) => line.map(field).join(",")).join("\r\n") + "\r\n";
}

function download(name, content) {
  const link = make("a", { download: name, href: URL.createObjectURL(new Blob([content], { type: "text/csv" })) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function equip(box, words) {
  const table = box.querySelector("table");
  const rows = all("tbody tr", table);
  for (const head of all("th:not(.drawn):not([hidden])", table)) {
    const button = make("button", { type: "button", title: words.sort_by, textContent: head.textContent });
    button.addEventListener("click", () => sortBy(table, head));
    head.replaceChildren(button);
  }
  const tools = make("div", { className: "tools" });
  if (rows.length > SHOWN_ROWS) {
    const more = make("button", { type: "button", textContent: words.show_all.replace("{count}", rows.length) });
    more.addEventListener("click", () => {
      const clipped = table.classList.toggle("clipped");
      more.textContent = clipped ? words.show_all.replace("{count}", rows.length) : words.show_less;
    });
    table.classList.add("clipped");
    tools.append(more);
  }
  const csv = make("button", { type: "button", textContent: words.download });
  csv.addEventListener("click", () => download(`${box.dataset.name}.csv`, csvOf(table)));
  tools.append(csv);
  box.append(tools);
  if (rows.length >= FILTER_FROM) box.prepend(filterFor(table, rows, words));
}

function hintAtMore(scroll) {
  const look = () => scroll.classList.toggle("more", scroll.scrollLeft + scroll.clientWidth < scroll.scrollWidth - 2);
  scroll.addEventListener("scroll", look, { passive: true });
  new ResizeObserver(look).observe(scroll);
}

function filterFor(table, rows, words) {
  const input = make("input", { type: "search", placeholder: words.filter });
  input.setAttribute("aria-label", words.filter_label);
  const wasClipped = rows.length > SHOWN_ROWS;
  input.addEventListener("input", () => {
    const wanted = input.value.trim().toLowerCase();
    table.classList.toggle("clipped", wasClipped && !wanted);
    rows.forEach((row) => row.classList.toggle("out", !row.textContent.toLowerCase().includes(wanted)));
  });
  const tools = make("div", { className: "tools" });
  tools.append(input);
  return tools;
}

function equipTables(root, words) {
  all(".table", root).forEach((box) => equip(box, words));
  all(".scroll", root).forEach(hintAtMore);
}
