// One script for a report page: charts, tables, contents. All else on the page is readable without it.
"use strict";
const page = JSON.parse(document.getElementById("page").textContent);
const words = page.words;
const all = (query, base = document) => Array.from(base.querySelectorAll(query));
const make = (tag, set) => Object.assign(document.createElement(tag), set);

// ---- charts
const PRINT_WIDTH = 660;
const prefersDark = matchMedia("(prefers-color-scheme: dark)");
const charts = all("figure.chart");
const state = (window.csnb = { charts: charts.length, drawn: 0, errors: [] });

const onScreen = () => (prefersDark.matches ? page.dark : {});

function specOf(chart, colours) {
  const source = chart.querySelector(".spec").textContent;
  return JSON.parse(source.replace(/#[0-9a-f]{6}/g, (colour) => colours[colour] || colour));
}

async function unpackPlotly() {
  const packed = Uint8Array.from(atob(document.getElementById("plotly").textContent), (sign) => sign.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  document.head.append(make("script", { textContent: await new Response(stream).text() }));
  if (!window.Plotly) throw new Error("plotly did not start");
}

async function draw(chart) {
  const place = chart.querySelector(".plot");
  const { data, layout, config } = specOf(chart, onScreen());
  await Plotly.newPlot(place, data, layout, config);
  place.on("plotly_click", (event) => openQuotes(event.points[0].customdata));
  state.drawn += 1;
}

function failed(chart, error) {
  chart.classList.add("failed");
  chart.querySelector(".fallback").textContent = words.chart_failed;
  const rows = chart.querySelector("details");
  if (rows) rows.open = true;
  state.errors.push(String(error));
}

async function drawAll() {
  try {
    await unpackPlotly();
  } catch (error) {
    return charts.forEach((chart) => failed(chart, error));
  }
  for (const chart of charts) {
    await draw(chart).catch((error) => failed(chart, error));
    await new Promise((next) => setTimeout(next));
  }
}

function redraw(colours, width) {
  for (const chart of charts.filter((each) => !each.classList.contains("failed") && window.Plotly)) {
    const { data, layout, config } = specOf(chart, colours);
    Plotly.react(chart.querySelector(".plot"), data, { ...layout, width, autosize: !width }, config);
  }
}

function openQuotes(mark) {
  const quotes = all("details[data-drill]").find((each) => each.dataset.drill === mark);
  if (!quotes) return;
  quotes.open = true;
  quotes.scrollIntoView({ block: "start" });
}

if (charts.length) {
  setTimeout(drawAll);
  prefersDark.addEventListener("change", () => redraw(onScreen()));
  addEventListener("beforeprint", () => redraw(page.print, PRINT_WIDTH));
  addEventListener("afterprint", () => redraw(onScreen()));
}

// ---- tables
const SHOWN_ROWS = 12;
const FILTER_FROM = 8;
const inWords = new Intl.Collator(document.documentElement.lang);
const cellValue = (cell) => (cell.dataset.v === undefined ? cell.textContent : cell.dataset.v.split("|")[0]);

const compare = (a, b) => (isNaN(a) || isNaN(b) ? inWords.compare(a, b) : a - b);

function sortBy(table, head) {
  const column = head.cellIndex;
  const falls = head.getAttribute("aria-sort") === "descending" || (head.getAttribute("aria-sort") === null && !head.matches(".number"));
  const rows = all("tbody tr", table).map((row) => [cellValue(row.cells[column]), row]);
  const known = rows.filter(([value]) => value !== "").sort((a, b) => (falls ? 1 : -1) * compare(a[0], b[0]));
  const missing = rows.filter(([value]) => value === "");
  all("th", table).forEach((each) => each.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", falls ? "ascending" : "descending");
  table.tBodies[0].append(...known.concat(missing).map(([, row]) => row));
}

function csvOf(table) {
  const field = (value) => {
    const safe = isNaN(value) && /^[=+\-@\t\r]/.test(value) ? "'" + value : value;
    return /[",\n\r]/.test(safe) ? '"' + safe.replace(/"/g, '""') + '"' : safe;
  };
  const kept = all("th:not(.drawn)", table);
  const heads = kept.flatMap((head) => (head.dataset.head || head.textContent).split("|"));
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

function equip(box) {
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
  if (rows.length >= FILTER_FROM) box.prepend(filterFor(table, rows));
}

function hintAtMore(scroll) {
  const look = () => scroll.classList.toggle("more", scroll.scrollLeft + scroll.clientWidth < scroll.scrollWidth - 2);
  scroll.addEventListener("scroll", look, { passive: true });
  new ResizeObserver(look).observe(scroll);
}

function filterFor(table, rows) {
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

all(".table").forEach(equip);
all(".scroll").forEach(hintAtMore);

// ---- contents: mark the section in sight
const marks = new Map(all(".contents.wide a").map((link) => [link.hash.slice(1), link]));
const inSight = new IntersectionObserver((entries) => {
  for (const entry of entries.filter((each) => each.isIntersecting)) {
    marks.forEach((link) => link.removeAttribute("aria-current"));
    marks.get(entry.target.id)?.setAttribute("aria-current", "true");
  }
}, { rootMargin: "0px 0px -70% 0px" });
all("h2.section").filter((head) => marks.has(head.id)).forEach((head) => inSight.observe(head));
