// The script of a report page: charts and contents, and with tables.js its tables. All else on the page
// is readable without it.
const page = JSON.parse(document.getElementById("page").textContent);
const words = page.words;

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
  place.on("plotly_click", (event) => openQuotes(chart, event.points[0].customdata));
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

// The quotes behind a bar are the first of its mark below the chart.
function openQuotes(chart, mark) {
  const isBelow = (each) => chart.compareDocumentPosition(each) & Node.DOCUMENT_POSITION_FOLLOWING;
  const quotes = all("details[data-drill]").find((each) => each.dataset.drill === mark && isBelow(each));
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

// ---- tables (tables.js)
equipTables(document, words);

// ---- contents: mark the section in sight
const marks = new Map(all(".contents.wide a").map((link) => [link.hash.slice(1), link]));
const inSight = new IntersectionObserver((entries) => {
  for (const entry of entries.filter((each) => each.isIntersecting)) {
    marks.forEach((link) => link.removeAttribute("aria-current"));
    marks.get(entry.target.id)?.setAttribute("aria-current", "true");
  }
}, { rootMargin: "0px 0px -70% 0px" });
all("h2.section").filter((head) => marks.has(head.id)).forEach((head) => inSight.observe(head));
