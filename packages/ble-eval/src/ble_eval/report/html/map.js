// The map of the flight view: rings around the station, paths, balloons and their winds.

const RINGS = [25, 50, 100, 200, 400, 800, 1600, 3200];

function viewOfAll() {
  const all = player.flights.flatMap(([, { x, y }]) => [rangeOf(x), rangeOf(y)]);
  const [west, east] = rangeOf([-report.radius, report.radius, ...all.filter((_, place) => place % 2 === 0).flat()]);
  const [south, north] = rangeOf([-report.radius, report.radius, ...all.filter((_, place) => place % 2).flat()]);
  return { x: (west + east) / 2, y: (south + north) / 2, across: 1.16 * Math.max(east - west, north - south) };
}

function viewOfStation() {
  return { x: 0, y: 0, across: 3 * report.radius };
}

function zoom(factor, x = player.view.x, y = player.view.y) {
  const { view } = player;
  const across = Math.max(4, Math.min(40000, view.across * factor));
  const share = across / view.across;
  player.view = { x: x + (view.x - x) * share, y: y + (view.y - y) * share, across };
  requestDrawing();
}

function mapScale() {
  const { clientWidth: width, clientHeight: height } = canvases.map;
  return { scale: Math.min(width, height) / player.view.across, width, height };
}

// The place on the ground, in km, under a point of the canvas.
function placeUnder(pixelX, pixelY) {
  const { scale, width, height } = mapScale();
  return [player.view.x + (pixelX - width / 2) / scale, player.view.y - (pixelY - height / 2) / scale];
}

function drawMap() {
  const { context, width, height } = contextOf(canvases.map);
  const { scale } = mapScale();
  const toX = (x) => width / 2 + (x - player.view.x) * scale;
  const toY = (y) => height / 2 - (y - player.view.y) * scale;
  const colors = { grid: styleOf("line"), soft: styleOf("soft"), ink: styleOf("ink"), card: styleOf("card") };

  const disc = (radius) => {
    context.beginPath();
    context.arc(toX(0), toY(0), radius * scale, 0, 2 * Math.PI);
  };
  disc(report.radius);
  context.fillStyle = styleOf("zone");
  context.fill();
  context.lineWidth = 1;
  context.strokeStyle = colors.grid;
  const rings = RINGS.filter((radius) => {
    const apart = Math.abs(radius - report.radius) * scale > 32;
    return radius !== report.radius && apart && radius * scale < 8 * Math.max(width, height);
  });
  for (const radius of rings) {
    disc(radius);
    context.stroke();
  }
  disc(report.radius);
  context.strokeStyle = styleOf("zone-line");
  context.lineWidth = 1.5;
  context.stroke();

  context.strokeStyle = colors.ink;
  context.lineWidth = 1.5;
  context.beginPath();
  context.moveTo(toX(0) - 6, toY(0));
  context.lineTo(toX(0) + 6, toY(0));
  context.moveTo(toX(0), toY(0) - 6);
  context.lineTo(toX(0), toY(0) + 6);
  context.stroke();

  context.lineJoin = "round";
  for (const [agent, flight] of player.flights) {
    const trail = (last) => {
      context.beginPath();
      for (let step = 0; step <= last; step++) context.lineTo(toX(flight.x[step]), toY(flight.y[step]));
    };
    context.strokeStyle = context.fillStyle = agentColor(agent);
    context.globalAlpha = 0.3;
    context.lineWidth = 1.2;
    trail(flight.steps - 1);
    context.stroke();
    context.globalAlpha = 1;
    context.lineWidth = 2.2;
    trail(Math.min(Math.floor(player.time), flight.steps - 1));
    context.lineTo(toX(valueAt(flight.x, player.time)), toY(valueAt(flight.y, player.time)));
    context.stroke();
  }
  for (const radius of rings) drawLabel(context, `${radius} km`, toX(0), toY(-radius) - 5, colors.soft);
  drawLabel(context, `${report.radius} km`, toX(0), toY(-report.radius) + 15, styleOf("zone-line"));
  for (const [agent, flight] of player.flights) drawBalloon(context, agent, flight, toX, toY, colors);
  drawScaleBar(context, width, height, scale, colors);
}

// Text that stays legible over lines.
function drawLabel(context, text, x, y, color) {
  context.textAlign = "center";
  context.lineWidth = 4;
  context.strokeStyle = styleOf("ground");
  context.strokeText(text, x, y);
  context.fillStyle = color;
  context.fillText(text, x, y);
}

function drawBalloon(context, agent, flight, toX, toY, colors) {
  const x = toX(valueAt(flight.x, player.time));
  const y = toY(valueAt(flight.y, player.time));
  const ended = player.time > flight.steps - 1;
  const color = agentColor(agent);
  context.strokeStyle = context.fillStyle = color;
  context.lineWidth = 2;
  if (ended) {
    context.beginPath();
    for (const sign of [1, -1]) {
      context.moveTo(x - 6, y - 6 * sign);
      context.lineTo(x + 6, y + 6 * sign);
    }
    context.lineWidth = 3;
    context.stroke();
    return;
  }
  const step = Math.round(player.time);
  const [east, north] = [flight.windX[step], flight.windY[step]];
  const speed = Math.hypot(east, north);
  if (speed > 0.1) {
    const length = 14 + 2 * Math.min(speed, 30);
    const [alongX, alongY] = [east / speed, -north / speed];
    const [tipX, tipY] = [x + alongX * length, y + alongY * length];
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(tipX, tipY);
    for (const side of [1, -1]) {
      context.moveTo(tipX, tipY);
      context.lineTo(tipX - 7 * alongX + 4 * side * alongY, tipY - 7 * alongY - 4 * side * alongX);
    }
    context.stroke();
  }
  context.beginPath();
  context.arc(x, y, 7, 0, 2 * Math.PI);
  context.fill();
  context.strokeStyle = colors.card;
  context.stroke();
}

function drawScaleBar(context, width, height, scale, colors) {
  const wanted = 90 / scale;
  const power = 10 ** Math.floor(Math.log10(wanted));
  const length = power * [5, 2, 1].find((factor) => factor * power <= wanted);
  context.strokeStyle = context.fillStyle = colors.soft;
  context.lineWidth = 1.5;
  context.beginPath();
  context.moveTo(14, height - 18);
  context.lineTo(14, height - 13);
  context.lineTo(14 + length * scale, height - 13);
  context.lineTo(14 + length * scale, height - 18);
  context.stroke();
  context.textAlign = "left";
  context.fillText(`${length} km`, 18, height - 19);
  context.fillText("N ↑", 14, 22);
}

function listenToMap() {
  let last = null;
  listenToDrags(canvases.map, {
    start: (event) => {
      last = event;
      canvases.map.classList.add("dragging");
    },
    move: (event) => {
      const { scale } = mapScale();
      player.view.x -= (event.offsetX - last.offsetX) / scale;
      player.view.y += (event.offsetY - last.offsetY) / scale;
      last = event;
      requestDrawing();
    },
    end: () => canvases.map.classList.remove("dragging"),
  });
  canvases.map.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey && !event.metaKey && !canvases.map.matches(":focus, .dragging")) return; // The page scrolls.
      event.preventDefault();
      zoom(1.0015 ** event.deltaY, ...placeUnder(event.offsetX, event.offsetY));
    },
    { passive: false },
  );
  canvases.map.addEventListener("dblclick", (event) => zoom(1 / 2, ...placeUnder(event.offsetX, event.offsetY)));
}
