// The scatter plot of the seeds. It is a canvas of its own: ten thousand points must answer at once.

const SCATTER_MARGINS = { left: 56, right: 16, top: 12, bottom: 46 };
const STRATA = ["hardest", "hard", "mid", "easy", "easiest"];
const HIT_PIXELS = 14;

const scatter = {
  box: document.getElementById("scatter"),
  canvas: document.getElementById("points"),
  ring: document.getElementById("ring"),
  tip: document.getElementById("tip"),
  frame: document.getElementById("zoom-frame"),
  limits: null, // of both axes after a zoom: [[least, most], [least, most]]
  places: new Float32Array(2 * report.seeds.length), // of the points in the canvas
  plot: null, // what was drawn: axes, limits, scales
};

// What is shown: of several agents one score of two of them, of a single agent its two scores.
function scatterAxes() {
  if (agents.length === 1) return ["twr50", "reward"].map((score) => ({ agent: 0, score, title: SCORE_NAMES[score] }));
  const select = document.getElementById("scatter-score");
  const shown = ["x", "y"].map((axis) => Number(document.getElementById(`scatter-${axis}`).value));
  select.disabled = shown.includes(LIMIT); // There is no limit of the reward.
  const score = select.disabled ? "twr50" : select.value;
  return shown.map((agent) => {
    const name = brief(scatterName(agent), 40);
    return { agent, score, title: agent === LIMIT ? name : `${SCORE_NAMES[score]} of ${name}` };
  });
}

function scatterName(agent) {
  return agent === LIMIT ? "the limit" : agents[agent].label;
}

const limitValues = report.limits?.values.map((value) => value ?? NaN);

function scatterValues({ agent, score }) {
  return agent === LIMIT ? limitValues : agents[agent].episodes[score];
}

// The number of the failure of an agent on a seed, -1 for none.
function failureOf({ agent }, seed) {
  return agent === LIMIT ? -1 : agents[agent].episodes.failure[seed];
}

function wholeLimits(axes, values) {
  const ranges = values.map(rangeOf);
  const shared = axes[0].score === axes[1].score ? [rangeOf(ranges.flat()), rangeOf(ranges.flat())] : ranges;
  return shared.map(([least, most]) => {
    const pad = 0.03 * (most - least || 1);
    return [least - pad, most + pad];
  });
}

function drawScatter() {
  const axes = scatterAxes();
  const values = axes.map(scatterValues);
  const limits = scatter.limits ?? wholeLimits(axes, values);
  const { context, width, height } = contextOf(scatter.canvas);
  const { left, right, top, bottom } = SCATTER_MARGINS;
  const [[west, east], [south, north]] = limits;
  const toX = (value) => left + ((width - left - right) * (value - west)) / (east - west);
  const toY = (value) => height - bottom - ((height - top - bottom) * (value - south)) / (north - south);
  scatter.plot = { axes, values, limits, toX, toY, width, height };
  drawScatterAxes(context, scatter.plot);

  const count = report.seeds.length;
  const size = count > 3000 ? 2.2 : count > 300 ? 3.2 : 4.8;
  const colors = Object.keys(report.strata).map((name) => styleOf(stratumVariable(name)));
  context.save();
  context.beginPath();
  context.rect(left - 6, top - 6, width - left - right + 12, height - top - bottom + 12);
  context.clip();
  if (axes[0].score === axes[1].score) {
    context.setLineDash([2, 4]);
    context.strokeStyle = styleOf("soft");
    context.beginPath();
    context.moveTo(toX(west), toY(west));
    context.lineTo(toX(east), toY(east));
    context.stroke();
    context.setLineDash([]);
  }
  context.globalAlpha = count > 1000 ? 0.55 : 0.8;
  context.lineWidth = 2;
  for (let seed = 0; seed < count; seed++) {
    const x = (scatter.places[2 * seed] = toX(values[0][seed]));
    const y = (scatter.places[2 * seed + 1] = toY(values[1][seed]));
    context.fillStyle = context.strokeStyle = colors[report.stratum[seed]];
    context.beginPath();
    if (axes.some((axis) => failureOf(axis, seed) >= 0)) {
      context.moveTo(x - size, y - size);
      context.lineTo(x + size, y + size);
      context.moveTo(x - size, y + size);
      context.lineTo(x + size, y - size);
      context.stroke();
    } else {
      context.arc(x, y, size, 0, 2 * Math.PI);
      context.fill();
    }
  }
  context.restore();
  markSeed();
}

function drawScatterAxes(context, { axes, limits, toX, toY, width, height }) {
  const { left, right, top, bottom } = SCATTER_MARGINS;
  context.lineWidth = 1;
  context.strokeStyle = styleOf("grid");
  context.fillStyle = styleOf("soft");
  context.textAlign = "center";
  for (const { value, text } of ticksOf(...limits[0], width < 500 ? 4 : 7)) {
    context.beginPath();
    context.moveTo(toX(value), top);
    context.lineTo(toX(value), height - bottom);
    context.stroke();
    context.fillText(text, toX(value), height - bottom + 17);
  }
  context.textAlign = "right";
  for (const { value, text } of ticksOf(...limits[1], 6)) {
    context.beginPath();
    context.moveTo(left, toY(value));
    context.lineTo(width - right, toY(value));
    context.stroke();
    context.fillText(text, left - 7, toY(value) + 4);
  }
  context.fillStyle = styleOf("ink");
  context.textAlign = "center";
  context.fillText(axes[0].title, left + (width - left - right) / 2, height - 9);
  context.save();
  context.translate(13, top + (height - top - bottom) / 2);
  context.rotate(-Math.PI / 2);
  context.fillText(axes[1].title, 0, 0);
  context.restore();
}

// Round values between two limits, about so many, with their text.
function ticksOf(least, most, count) {
  const wanted = (most - least) / count;
  const power = 10 ** Math.floor(Math.log10(wanted));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= 0.8 * wanted);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const ticks = [];
  for (let number = Math.ceil(least / step - 1e-9); number * step <= most + 1e-9 * step; number++) {
    ticks.push({ value: number * step, text: (number * step).toFixed(digits) });
  }
  return ticks;
}

// The variable of the style sheet for the color of a stratum.
function stratumVariable(name) {
  const place = STRATA.indexOf(name);
  return `stratum-${place < 0 ? STRATA.length : place}`;
}

function fillScatterLegend() {
  const items = Object.keys(report.strata).map((name) =>
    make("li", {}, make("span", { class: "swatch", style: `color: var(--${stratumVariable(name)})` }), name),
  );
  document.getElementById("strata").replaceChildren(...items);
}

// Puts the ring around the seed that is shown.
function markSeed() {
  const { places, plot, ring } = scatter;
  if (!plot || player.seed === null) return;
  const [x, y] = [places[2 * player.seed], places[2 * player.seed + 1]];
  const { left, right, top, bottom } = SCATTER_MARGINS;
  const within = x >= left - 6 && x <= plot.width - right + 6 && y >= top - 6 && y <= plot.height - bottom + 6;
  ring.hidden = !within; // So it is of a seed without a limit.
  ring.style.transform = `translate(${x}px, ${y}px)`;
}

// The seed whose point is nearest to a place of the canvas; -1 if none is near.
function seedNear(x, y) {
  let [nearest, least] = [-1, HIT_PIXELS ** 2];
  for (let seed = 0; seed < report.seeds.length; seed++) {
    const square = (scatter.places[2 * seed] - x) ** 2 + (scatter.places[2 * seed + 1] - y) ** 2;
    if (square < least) [nearest, least] = [seed, square];
  }
  return nearest;
}

function showTip(seed) {
  const { tip, canvas, plot, places } = scatter;
  tip.hidden = seed < 0;
  canvas.style.cursor = seed < 0 ? "crosshair" : "pointer";
  if (seed < 0) return;
  const lines = plot.axes.map(({ agent, score }, axis) => {
    const failure = failureOf({ agent }, seed);
    const end = failure < 0 ? "" : `, ${report.failures[failure].replaceAll("_", " ")}`;
    const name = agents.length > 1 ? brief(scatterName(agent)) : SCORE_NAMES[score];
    return make("div", {}, `${name} ${fixed(plot.values[axis][seed], score === "reward" ? 1 : 3)}${end}`);
  });
  tip.replaceChildren(make("strong", {}, `seed ${report.seeds[seed]}`), ...lines);
  const [x, y] = [places[2 * seed], places[2 * seed + 1]];
  const toLeft = x > plot.width / 2;
  tip.style.transform = `translate(${x + (toLeft ? -12 : 12)}px, ${y}px) translate(${toLeft ? "-100%" : "0"}, -50%)`;
}

// A click selects a seed, a dragged frame enlarges, and a double click shows all.
function listenToScatter() {
  const { canvas, frame } = scatter;
  let start = null;
  const dragged = (event) => start && Math.hypot(event.offsetX - start.offsetX, event.offsetY - start.offsetY) > 6;
  canvas.addEventListener("pointerdown", (event) => {
    start = event;
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!dragged(event) || event.pointerType === "touch") {
      showTip(seedNear(event.offsetX, event.offsetY));
      return;
    }
    canvas.setPointerCapture(event.pointerId);
    scatter.tip.hidden = true;
    frame.hidden = false;
    frame.style.left = `${Math.min(start.offsetX, event.offsetX)}px`;
    frame.style.top = `${Math.min(start.offsetY, event.offsetY)}px`;
    frame.style.width = `${Math.abs(start.offsetX - event.offsetX)}px`;
    frame.style.height = `${Math.abs(start.offsetY - event.offsetY)}px`;
  });
  canvas.addEventListener("pointerup", (event) => {
    if (!frame.hidden) enlarge(start, event);
    else if (start && !dragged(event)) {
      const seed = seedNear(event.offsetX, event.offsetY);
      if (seed >= 0) showSeed(seed, { scroll: true });
    }
    frame.hidden = true;
    start = null;
  });
  canvas.addEventListener("pointercancel", () => {
    frame.hidden = true;
    start = null;
  });
  canvas.addEventListener("pointerleave", () => showTip(-1));
  canvas.addEventListener("dblclick", () => zoomScatter(null));
  document.getElementById("scatter-all").addEventListener("click", () => zoomScatter(null));
  new ResizeObserver(drawScatter).observe(canvas);
}

function enlarge(start, end) {
  const { limits, toX, toY } = scatter.plot;
  const [[west, east], [south, north]] = limits;
  const valueX = (pixel) => west + ((east - west) * (pixel - toX(west))) / (toX(east) - toX(west));
  const valueY = (pixel) => south + ((north - south) * (pixel - toY(south))) / (toY(north) - toY(south));
  const sorted = (one, other) => [Math.min(one, other), Math.max(one, other)];
  const [acrossLimits, upLimits] = [
    sorted(valueX(start.offsetX), valueX(end.offsetX)),
    sorted(valueY(start.offsetY), valueY(end.offsetY)),
  ];
  if (acrossLimits[1] > acrossLimits[0] && upLimits[1] > upLimits[0]) zoomScatter([acrossLimits, upLimits]);
}

function zoomScatter(limits) {
  scatter.limits = limits;
  document.getElementById("scatter-all").hidden = limits === null;
  drawScatter();
}
