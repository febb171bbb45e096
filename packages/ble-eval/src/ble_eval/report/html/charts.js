// The charts of the statistics. Plotly draws them; it is unpacked after the page is on the screen.

const SCORE_NAMES = { twr50: "TWR50", reward: "reward" };
const CHART_OPTIONS = {
  displaylogo: false,
  responsive: true,
  modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]],
};

function styleOf(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function agentColor(agent) {
  if (agent === LIMIT) return styleOf("soft");
  return styleOf(`agent-${agent}`) || `hsl(${(agent * 137) % 360}, 55%, ${isDark() ? 68 : 42}%)`;
}

// The color of an agent in the style of an element, which changes with the theme.
function agentStyle(agent) {
  return agent === LIMIT ? "color: var(--soft)" : `color: var(--agent-${agent}, ${agentColor(agent)})`;
}

// Text for Plotly, which reads tags and templates in its labels.
function plain(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll("%{", "% {").replaceAll("$", "&#36;");
}

// A long label at the side of a chart is cut.
function brief(text, length = 28) {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}

let plotlyLoading = null;

function loadPlotly() {
  plotlyLoading ??= inflated(document.getElementById("plotly").textContent).then((bytes) => {
    const script = document.createElement("script");
    script.textContent = new TextDecoder().decode(bytes);
    document.head.append(script);
    document.getElementById("plotly").remove();
  });
  return plotlyLoading;
}

function drawChart(id, traces, layout) {
  const axis = {
    gridcolor: styleOf("grid"),
    zerolinecolor: styleOf("grid"),
    linecolor: styleOf("line"),
    automargin: true,
  };
  return Plotly.react(
    id,
    traces,
    {
      font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: styleOf("soft") },
      paper_bgcolor: styleOf("card"),
      plot_bgcolor: styleOf("card"),
      margin: { l: 52, r: 18, t: 18, b: 52 },
      hoverlabel: { bgcolor: styleOf("card"), bordercolor: styleOf("line"), font: { color: styleOf("ink") } },
      legend: {
        orientation: "h",
        yref: "container",
        y: 0.01,
        yanchor: "bottom",
        x: 0,
        font: { color: styleOf("ink") },
      },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: styleOf("soft"), activecolor: styleOf("accent") },
      ...layout,
      xaxis: { ...axis, ...layout.xaxis, title: { font: { size: 13 }, ...layout.xaxis.title } },
      yaxis: { ...axis, ...layout.yaxis, title: { font: { size: 13 }, ...layout.yaxis.title } },
    },
    { ...CHART_OPTIONS, displayModeBar: window.innerWidth > 700 },
  );
}

function drawProfiles() {
  const traces = agents.flatMap((one, agent) => {
    const color = agentColor(agent);
    const { thresholds, shares, low, high } = one.profile;
    const edge = { x: thresholds, mode: "lines", line: { width: 0 }, hoverinfo: "skip", showlegend: false };
    const group = { legendgroup: `${agent}` };
    return [
      { ...edge, ...group, y: low },
      { ...edge, ...group, y: high, fill: "tonexty", fillcolor: transparent(color, agents.length > 4 ? 0.06 : 0.16) },
      {
        ...group,
        x: thresholds,
        y: shares,
        mode: "lines",
        line: { color, width: 2.2 },
        name: plain(brief(one.label)),
        hovertemplate: "%{y:.3f}",
      },
    ];
  });
  drawChart("profiles", traces, {
    hovermode: "x unified",
    xaxis: { title: { text: "TWR50 above" }, range: [0, 1], tickformat: ".1f" },
    yaxis: { title: { text: "share of flights" }, range: [0, 1.01] },
  });
}

function transparent(color, opacity) {
  if (color.startsWith("hsl")) return color.replace("hsl(", "hsla(").replace(")", `, ${opacity})`);
  const [red, green, blue] = [1, 3, 5].map((place) => parseInt(color.slice(place, place + 2), 16));
  return `rgba(${red}, ${green}, ${blue}, ${opacity})`;
}

function drawDifficulty() {
  const score = document.getElementById("difficulty-score").value;
  const names = Object.keys(report.strata);
  const ticks = names.map((name) => `${plain(name)}<br>${plural(report.strata[name], "seed")}`);
  const width = Math.min(0.6, 0.14 * agents.length);
  const traces = agents.map((one, agent) => {
    const means = names.map((name) => one.strata[name]?.[score]);
    const shift = agents.length > 1 ? width * (agent / (agents.length - 1) - 0.5) : 0;
    return {
      x: names.map((_, place) => place + shift),
      y: means.map((mean) => mean?.[0] ?? null),
      error_y: {
        array: means.map((mean) => (mean?.length === 3 ? mean[2] - mean[0] : 0)),
        arrayminus: means.map((mean) => (mean?.length === 3 ? mean[0] - mean[1] : 0)),
        color: agentColor(agent),
        thickness: 1.6,
        width: 4,
      },
      mode: "markers+lines",
      marker: { size: 9, color: agentColor(agent) },
      line: { color: transparent(agentColor(agent), 0.35), width: 1.2 },
      name: plain(brief(one.label)),
      hovertemplate: `%{y:.${score === "twr50" ? 3 : 1}f}`,
    };
  });
  drawChart("difficulty", traces, {
    hovermode: "x unified",
    xaxis: {
      tickvals: names.map((_, place) => place),
      ticktext: ticks,
      range: [-0.5, names.length - 0.5],
      showgrid: false,
      zeroline: false,
    },
    yaxis: { title: { text: SCORE_NAMES[score] }, rangemode: "tozero" },
  });
}

function rangeOf(values) {
  let [least, most] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return [least, most];
}

const CHARTS = { profiles: drawProfiles, difficulty: drawDifficulty };
const drawnCharts = new Set();

// Draws each chart when it comes near the window.
function watchCharts() {
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        observer.unobserve(target);
        loadPlotly().then(() => {
          CHARTS[target.id]();
          drawnCharts.add(target.id);
        });
      }
    },
    { rootMargin: "300px" },
  );
  for (const id of Object.keys(CHARTS)) observer.observe(document.getElementById(id));
}

function redrawCharts() {
  for (const id of drawnCharts) CHARTS[id]();
}
