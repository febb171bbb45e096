// The data of the report, and flights unpacked one at a time. flight_codec.py describes the bytes.

const report = JSON.parse(document.getElementById("summary").textContent);
const agents = report.agents;
const LIMIT = -1; // In place of an agent's number, where the limits of the seeds are shown like its scores.
const MISSING = -32768;
const STEPS_PER_HOUR = 20;
const KEPT_FLIGHTS = 60;

// The bytes of base64 text that zlib has deflated.
async function inflated(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let place = 0; place < binary.length; place++) bytes[place] = binary.charCodeAt(place);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

function hasFlight(agent, seed) {
  return seed in agents[agent].flights;
}

const unpackedFlights = new Map();

// The flight of an agent on the seed at a place, with derived columns; null where no path was kept.
async function readFlight(agent, seed) {
  if (!hasFlight(agent, seed)) return null;
  const key = `${agent} ${seed}`;
  let flight = unpackedFlights.get(key);
  if (!flight) {
    const [start, length] = agents[agent].flights[seed];
    const text = document.getElementById(`flights-${agent}`).firstChild.data;
    flight = derived(columnsOf(await inflated(text.slice(start, start + length))));
  }
  unpackedFlights.delete(key);
  unpackedFlights.set(key, flight);
  if (unpackedFlights.size > KEPT_FLIGHTS) unpackedFlights.delete(unpackedFlights.keys().next().value);
  return flight;
}

function columnsOf(buffer) {
  const view = new DataView(buffer);
  const steps = view.getInt32(0, true);
  const body = 4 + 16 * report.columns.length;
  const flight = { steps };
  report.columns.forEach((name, column) => {
    const unit = view.getFloat64(4 + 16 * column, true);
    if (!unit) {
      flight[name] = null;
      return;
    }
    let level = view.getFloat64(12 + 16 * column, true);
    const values = (flight[name] = new Float64Array(steps));
    for (let step = 0; step < steps; step++) {
      const difference = view.getInt16(body + 2 * (column * steps + step), true);
      if (difference !== MISSING) level += difference;
      values[step] = difference === MISSING ? NaN : level * unit;
    }
  });
  return flight;
}

// Distance (km), altitudes (km), wind (m/s) and share of time within the radius so far are computed here.
function derived(flight) {
  const { steps, x, y } = flight;
  const distance = x.map((east, step) => Math.hypot(east, y[step]));
  const windX = new Float64Array(steps);
  const windY = new Float64Array(steps);
  const inside = new Float64Array(steps);
  for (let step = 0, count = 0; step < steps; step++) {
    const last = Math.max(step, 1);
    const seconds = steps > 1 ? flight.elapsed_seconds[last] - flight.elapsed_seconds[last - 1] : NaN;
    windX[step] = (1000 * (x[last] - x[last - 1])) / seconds;
    windY[step] = (1000 * (y[last] - y[last - 1])) / seconds;
    count += distance[step] <= report.radius;
    inside[step] = count / (step + 1);
  }
  return {
    ...flight,
    distance,
    inside,
    windX,
    windY,
    wind: windX.map((east, step) => Math.hypot(east, windY[step])),
    altitude: flight.pressure.map(altitudeOf),
    lowest: flight.highest_pressure && flight.highest_pressure.map(altitudeOf),
    highest: flight.lowest_pressure && flight.lowest_pressure.map(altitudeOf),
    battery: flight.power.map((share) => 100 * share),
  };
}

// The geopotential altitude (km) of a pressure (Pa) in the US Standard Atmosphere of 1976.
function altitudeOf(pressure) {
  if (pressure > 22632.06) return 44.3308 * (1 - (pressure / 101325) ** 0.190263);
  if (pressure > 5474.889) return 11 - 6.34162 * Math.log(pressure / 22632.06);
  return 20 + 216.65 * ((pressure / 5474.889) ** -0.0292713 - 1);
}
