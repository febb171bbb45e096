// The curves of the flight view over time, one below the other, with a line at the present.

const STRIPS = [
  { name: "distance", unit: "km", column: "distance", fromZero: true },
  { name: "altitude", unit: "km", column: "altitude", band: ["lowest", "highest"] },
  { name: "battery", unit: "%", column: "battery", range: [0, 100] },
  { name: "wind", unit: "m/s", column: "wind", fromZero: true },
  { name: "reward", unit: "", column: "reward", fromZero: true },
];
const STRIP_MARGINS = { left: 46, right: 14, bottom: 24 };

// The curves do not change while a flight plays: they are drawn once, and the line of the present over a copy.
function drawStrips() {
  const { context, width, height } = contextOf(canvases.strips);
  if (!player.strips || player.strips.width !== width || player.strips.height !== height) {
    player.strips = { width, height, ...curvesImage(width, height) };
  }
  const { image, panels } = player.strips;
  context.drawImage(image, 0, 0, width, height);
  const x = stripX(player.time, width);
  context.strokeStyle = styleOf("ink");
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(x, 4);
  context.lineTo(x, height - STRIP_MARGINS.bottom);
  context.stroke();
  for (const { column, toY } of panels) {
    for (const [agent, flight] of player.flights) {
      if (!flight[column] || player.time > flight.steps - 1) continue;
      context.fillStyle = agentColor(agent);
      context.beginPath();
      context.arc(x, toY(valueAt(flight[column], player.time)), 3.5, 0, 2 * Math.PI);
      context.fill();
    }
  }
}

function stripX(time, width) {
  const { left, right } = STRIP_MARGINS;
  return left + ((width - left - right) * time) / Math.max(player.steps - 1, 1);
}

function curvesImage(width, height) {
  const ratio = window.devicePixelRatio || 1;
  const image = document.createElement("canvas");
  image.width = Math.max(1, Math.round(width * ratio));
  image.height = Math.max(1, Math.round(height * ratio));
  const context = image.getContext("2d");
  context.scale(ratio, ratio);
  context.font = `12px ${getComputedStyle(document.body).fontFamily}`;
  const strips = STRIPS.filter(({ column }) => player.flights.some(([, flight]) => flight[column]));
  const { left, right, bottom } = STRIP_MARGINS;
  const share = (height - bottom) / Math.max(strips.length, 1);
  const panels = strips.map((strip, place) => {
    const top = place * share + 22;
    const base = (place + 1) * share - 6;
    const [least, most] = stripRange(strip);
    const toY = (value) => base - ((base - top) * (value - least)) / (most - least || 1);
    drawAxes(context, strip, { least, most, top, base, toY, left, right: width - right });
    drawCurves(context, strip, toY, width);
    return { column: strip.column, toY };
  });
  context.fillStyle = styleOf("soft");
  const hours = player.steps / STEPS_PER_HOUR;
  const every = [1, 2, 3, 6, 12, 24].find((step) => hours / step <= (width < 420 ? 5 : 9)) ?? 48;
  for (let hour = 0; hour <= hours; hour += every) {
    const x = stripX(hour * STEPS_PER_HOUR - 1, width);
    context.textAlign = hour ? "center" : "left";
    if (x <= width - right + 1)
      context.fillText(`${hour} h`, Math.min(Math.max(x, left), width - right - 8), height - 7);
  }
  return { image, panels };
}

function stripRange({ column, band, range, fromZero }) {
  if (range) return range;
  const columns = player.flights.flatMap(([, flight]) => [column, ...(band ?? [])].map((name) => flight[name] ?? []));
  const [least, most] = rangeOf(columns.map((values) => rangeOf(values.filter(Number.isFinite))).flat());
  if (!Number.isFinite(least)) return [0, 1];
  const pad = 0.06 * (most - least) || 0.5;
  return [fromZero && least >= 0 ? 0 : least - pad, most + pad];
}

function drawAxes(context, strip, { least, most, top, base, toY, left, right }) {
  context.fillStyle = styleOf("ink");
  context.textAlign = "left";
  context.fillText(strip.name + (strip.unit ? ` (${strip.unit})` : ""), left, top - 8);
  if (strip.column === "distance" && report.radius < most) {
    context.fillStyle = styleOf("zone");
    context.fillRect(left, toY(report.radius), right - left, base - toY(report.radius));
    context.fillStyle = styleOf("zone-line");
    context.fillRect(left, toY(report.radius), right - left, 0.7);
  }
  context.strokeStyle = styleOf("grid");
  context.fillStyle = styleOf("soft");
  context.lineWidth = 1;
  context.textAlign = "right";
  for (const { value, text } of ticksOf(least, most, 3)) {
    context.beginPath();
    context.moveTo(left, toY(value));
    context.lineTo(right, toY(value));
    context.stroke();
    context.fillText(text, left - 7, toY(value) + 4);
  }
}

function drawCurves(context, { column, band }, toY, width) {
  for (const [agent, flight] of player.flights) {
    const color = agentColor(agent);
    if (band && band.every((name) => flight[name])) {
      context.fillStyle = styleOf("soft"); // On one seed the ranges of all agents are nearly the same.
      context.globalAlpha = 0.16 / player.flights.length;
      context.beginPath();
      for (let step = 0; step < flight.steps; step++)
        context.lineTo(stripX(step, width), toY(finiteOr(flight[band[1]][step], flight.altitude[step])));
      for (let step = flight.steps - 1; step >= 0; step--)
        context.lineTo(stripX(step, width), toY(finiteOr(flight[band[0]][step], flight.altitude[step])));
      context.fill();
      context.globalAlpha = 1;
    }
    if (!flight[column]) continue;
    context.strokeStyle = color;
    context.lineWidth = 1.4;
    context.lineJoin = "round";
    context.beginPath();
    for (let step = 0; step < flight.steps; step++) {
      if (Number.isFinite(flight[column][step])) context.lineTo(stripX(step, width), toY(flight[column][step]));
    }
    context.stroke();
  }
}

function finiteOr(value, other) {
  return Number.isFinite(value) ? value : other;
}

// A press or a drag in the curves moves the clock.
function listenToStrips() {
  const scrub = ({ offsetX }) => {
    const { left, right } = STRIP_MARGINS;
    const across = canvases.strips.clientWidth - left - right;
    setPlaying(false);
    setTime(Math.round(((offsetX - left) / across) * (player.steps - 1)));
  };
  listenToDrags(canvases.strips, { start: scrub, move: scrub, end: rememberAddress });
}
