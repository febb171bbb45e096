// The flight view: several agents on one seed in a map and in curves over time, moved by one clock.

const ACTIONS = ["▼ down", "● stay", "▲ up"];

const player = {
  seed: null, // place of the seed
  shown: new Set(), // agents that are switched on
  flights: [], // [agent, flight] of those that have one
  time: 0, // in steps, with a fraction while it plays
  steps: 1, // of the longest flight
  playing: false,
  view: null, // of the map: x, y of the middle and kilometres across
  strips: null, // the curves, drawn once
};

const canvases = { map: document.getElementById("map"), strips: document.getElementById("strips") };
const controls = {
  play: document.getElementById("play"),
  time: document.getElementById("time"),
  speed: document.getElementById("speed"),
  clock: document.getElementById("clock"),
};

let lastOpening = 0;

// Loads the flights of the seed and agents that are chosen, and draws them.
async function openFlights({ keepView = false } = {}) {
  const { seed } = player;
  const opening = ++lastOpening;
  const chosen = [...player.shown].sort((one, other) => one - other);
  const flights = await Promise.all(chosen.map(async (agent) => [agent, await readFlight(agent, seed)]));
  if (opening !== lastOpening) return; // Others were chosen meanwhile.
  player.flights = flights.filter(([, flight]) => flight && flight.steps);
  player.steps = Math.max(1, ...player.flights.map(([, flight]) => flight.steps));
  player.time = Math.min(player.time, player.steps - 1);
  controls.time.max = player.steps - 1;
  controls.time.disabled = controls.play.disabled = !player.flights.length;
  if (!player.flights.length) setPlaying(false);
  if (!keepView || !player.view) player.view = viewOfAll();
  player.strips = null;
  fillReadout();
  drawFlights();
}

function setTime(time) {
  player.time = Math.max(0, Math.min(player.steps - 1, time));
  requestDrawing();
}

function setPlaying(playing) {
  if (playing === player.playing) return;
  player.playing = playing;
  controls.play.textContent = playing ? "❚❚" : "▶";
  controls.play.setAttribute("aria-label", playing ? "pause" : "play");
  if (!playing) {
    player.time = Math.round(player.time);
    rememberAddress();
    requestDrawing();
    return;
  }
  if (player.time >= player.steps - 1) player.time = 0;
  let before = performance.now();
  const advance = (now) => {
    if (!player.playing) return;
    const seconds = Math.max(0, Math.min(now - before, 250)) / 1000; // A frame may have begun before the press.
    player.time += seconds * Number(controls.speed.value);
    before = now;
    if (player.time >= player.steps - 1) {
      player.time = player.steps - 1;
      setPlaying(false);
    }
    drawFlights();
    requestAnimationFrame(advance);
  };
  requestAnimationFrame(advance);
}

let drawingRequested = false;

function requestDrawing() {
  if (drawingRequested) return;
  drawingRequested = true;
  requestAnimationFrame(() => {
    drawingRequested = false;
    drawFlights();
  });
}

function drawFlights() {
  if (!player.view) return; // No flight was opened yet.
  const step = Math.round(player.time);
  controls.time.value = step;
  controls.clock.textContent = clockText(step);
  controls.time.setAttribute("aria-valuetext", controls.clock.textContent);
  drawMap();
  drawStrips();
  updateReadout(step);
}

function clockText(step) {
  const seconds = player.flights.find(([, flight]) => flight.steps > step)?.[1].elapsed_seconds[step] ?? 0;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

// A canvas at the resolution of the screen: its drawing context in CSS pixels, and its size.
function contextOf(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = `12px ${getComputedStyle(document.body).fontFamily}`;
  return { context, width, height };
}

// The value of a column at the time, between two steps by interpolation.
function valueAt(column, time) {
  const last = column.length - 1;
  const step = Math.min(Math.floor(time), last);
  const next = Math.min(step + 1, last);
  return column[step] + (column[next] - column[step]) * Math.min(time - step, 1);
}

// The table under the map: a row for each agent, with the figures of the present step and of the whole episode.
const READOUT_HEADS = [
  "agent",
  "action",
  "distance",
  "altitude",
  "battery",
  "wind",
  "inside so far",
  "TWR50",
  "reward",
  "end",
];
let readoutCells = [];

function fillReadout() {
  const heads = READOUT_HEADS.map((name) => make("th", { scope: "col" }, name));
  readoutCells = [];
  const rows = [...player.shown]
    .sort((one, other) => one - other)
    .map((agent) => {
      const { twr50, reward, steps, failure } = Object.fromEntries(
        Object.entries(agents[agent].episodes).map(([name, values]) => [name, values[player.seed]]),
      );
      const live = READOUT_HEADS.slice(1, 7).map(() => make("td", {}, "–"));
      const end = failure < 0 ? `${steps} steps` : `${report.failures[failure].replaceAll("_", " ")} at ${steps}`;
      const flight = player.flights.find(([shown]) => shown === agent)?.[1];
      readoutCells.push({ flight, live });
      return make(
        "tr",
        {},
        make("th", { scope: "row", title: agents[agent].label }, swatch(agent), agents[agent].label),
        ...live,
        make("td", {}, twr50.toFixed(3)),
        make("td", {}, reward.toFixed(1)),
        make("td", failure < 0 ? {} : { class: "bad" }, end),
      );
    });
  document
    .getElementById("readout")
    .replaceChildren(make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...rows));
}

function updateReadout(step) {
  for (const { flight, live } of readoutCells) {
    if (!flight) continue;
    const now = Math.min(step, flight.steps - 1);
    const texts = [
      flight.effective_action ? ACTIONS[flight.effective_action[now]] : "–",
      `${flight.distance[now].toFixed(1)} km`,
      `${flight.altitude[now].toFixed(2)} km`,
      `${flight.battery[now].toFixed(0)} %`,
      Number.isFinite(flight.wind[now]) ? `${flight.wind[now].toFixed(1)} m/s` : "–",
      flight.inside[now].toFixed(3),
    ];
    texts.forEach((text, place) => {
      if (live[place].textContent !== text) live[place].textContent = text;
    });
  }
}

function listenToFlights() {
  controls.play.addEventListener("click", () => setPlaying(!player.playing));
  controls.time.addEventListener("input", () => {
    setPlaying(false);
    setTime(Number(controls.time.value));
  });
  controls.time.addEventListener("change", rememberAddress);
  document.getElementById("zoom-in").addEventListener("click", () => zoom(1 / 1.5));
  document.getElementById("zoom-out").addEventListener("click", () => zoom(1.5));
  for (const [id, view] of [
    ["zoom-station", viewOfStation],
    ["zoom-all", viewOfAll],
  ]) {
    document.getElementById(id).addEventListener("click", () => {
      player.view = view();
      requestDrawing();
    });
  }
  listenToMap();
  listenToStrips();
  new ResizeObserver(requestDrawing).observe(canvases.map);
  new ResizeObserver(requestDrawing).observe(canvases.strips);
}

function listenToDrags(canvas, { start, move, end }) {
  let dragging = false;
  canvas.addEventListener("pointerdown", (event) => {
    if (!player.flights.length) return;
    dragging = true;
    canvas.setPointerCapture(event.pointerId);
    start(event);
  });
  canvas.addEventListener("pointermove", (event) => dragging && move(event));
  for (const name of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(name, () => {
      if (dragging) end();
      dragging = false;
    });
  }
}
