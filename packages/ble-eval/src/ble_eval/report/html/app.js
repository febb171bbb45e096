// The page as a whole: which seed and agents are shown, the address, the keyboard, light and dark.

const page = {
  facts: document.getElementById("flight-facts"),
  message: document.getElementById("flight-message"),
  seed: document.getElementById("seed"),
  order: document.getElementById("order"),
  chips: document.getElementById("chips"),
  link: document.getElementById("link"),
  theme: document.getElementById("theme"),
  flight: document.getElementById("flight"),
};
const seedPlaces = new Map(report.seeds.map((seed, place) => [seed, place]));

function isDark() {
  return document.documentElement.dataset.theme === "dark";
}

// Shows the flights on the seed at a place. A page that is opened as a whole keeps its address.
async function showSeed(seed, { scroll = false, time = 0, keepAddress = false } = {}) {
  setPlaying(false);
  player.seed = seed;
  player.time = time;
  page.seed.value = report.seeds[seed];
  markSeed();
  say(missingFlights(seed));
  fillChips();
  const name = Object.keys(report.strata)[report.stratum[seed]];
  const limit = report.limits?.values[seed] ?? null;
  page.facts.textContent =
    `Seed ${report.seeds[seed]}${name === "other" ? "" : `, stratum ${name}`}` +
    (limit === null ? "" : `, limit ${fixed(limit, 3)}`);
  if (scroll) page.flight.scrollIntoView({ block: "start" });
  await openFlights();
  if (!keepAddress) rememberAddress();
}

function say(text) {
  page.message.textContent = text;
  page.message.hidden = !text;
}

// What a reader must know about flights that are not there, or not whole.
function missingFlights(seed) {
  const without = agents.filter((_, agent) => !hasFlight(agent, seed)).map((one) => one.label);
  if (!without.length) return "";
  const anywhere = agents.some((one) => Object.keys(one.flights).length);
  if (!anywhere)
    return (
      "The results hold no flight paths: " +
      "ble-eval run keeps them without --no-flight-paths, ble-eval merge with --flight-paths."
    );
  return `No path of this flight is in the report: ${without.join(", ")}.`;
}

function fillChips() {
  page.chips.replaceChildren(
    ...agents.map((one, agent) => {
      const box = make("input", { type: "checkbox", ...(player.shown.has(agent) ? { checked: "" } : {}) });
      box.addEventListener("change", () => {
        if (box.checked) player.shown.add(agent);
        else player.shown.delete(agent);
        openFlights({ keepView: true }).then(rememberAddress);
      });
      const kind = hasFlight(agent, player.seed) ? {} : { class: "absent" };
      return make("label", { ...kind, style: agentStyle(agent) }, box, make("span", {}, one.label));
    }),
  );
}

const seedOrders = new Map();

// The seeds in the order in which the arrows go through them.
function orderedSeeds() {
  const { value } = page.order;
  if (!seedOrders.has(value)) seedOrders.set(value, sortedSeeds(value));
  return seedOrders.get(value);
}

function sortedSeeds(order) {
  const seeds = report.seeds.map((_, seed) => seed);
  if (order === "seed") return seeds;
  const scores = (seed) => agents.map((one) => one.episodes.twr50[seed]);
  const mean = (seed) => scores(seed).reduce((sum, score) => sum + score, 0);
  const spread = (seed) => Math.min(...scores(seed)) - Math.max(...scores(seed));
  const ahead = (seed) => Math.max(...scores(seed)) - (report.limits.values[seed] ?? -Infinity); // Those without, last.
  const key = seeds.map({ lowest: mean, spread, regret: ahead }[order]);
  return seeds.sort((one, other) => key[one] - key[other] || one - other);
}

function showNeighbour(direction) {
  const order = orderedSeeds();
  const place = order.indexOf(player.seed);
  showSeed(order[(place + direction + order.length) % order.length]);
}

function showTyped() {
  const seed = seedPlaces.get(page.seed.value.trim());
  if (seed === undefined) say(`The seed ${page.seed.value.trim()} is not in this report.`);
  else if (seed !== player.seed) showSeed(seed);
  else say(missingFlights(seed));
}

// The address of what is shown: #seed=17&agents=one,two&step=120. Agents are left out where all are shown.
function address() {
  const parts = [`seed=${report.seeds[player.seed]}`];
  if (player.shown.size < agents.length) {
    const labels = [...player.shown]
      .sort((one, other) => one - other)
      .map((agent) => encodeURIComponent(agents[agent].label));
    parts.push(`agents=${labels.join(",")}`);
  }
  const step = Math.round(player.time);
  if (step) parts.push(`step=${step}`);
  return `#${parts.join("&")}`;
}

function rememberAddress() {
  if (player.seed === null || location.hash === address()) return;
  history.replaceState(null, "", address());
}

// Follows an address; false if it names no seed. What it names and is not there is said.
async function followAddress() {
  const pairs = location.hash
    .slice(1)
    .split("&")
    .map((part) => part.split("="));
  const named = new Map(pairs.filter((pair) => pair.length === 2).map(([name, value]) => [name, decoded(value)]));
  if (!named.has("seed")) return false;
  const labels = named.has("agents")
    ? pairs
        .find(([name]) => name === "agents")[1]
        .split(",")
        .map(decoded)
    : null;
  const chosen = agents.map((_, agent) => agent).filter((agent) => !labels || labels.includes(agents[agent].label));
  if (chosen.length) player.shown = new Set(chosen);
  const seed = seedPlaces.get(named.get("seed"));
  const unknown = (labels ?? []).filter((label) => !agents.some((one) => one.label === label));
  const step = Number(named.get("step") ?? 0);
  await showSeed(seed ?? player.seed ?? 0, { scroll: true, time: Number.isFinite(step) ? step : 0 });
  if (seed === undefined) say(`The seed ${named.get("seed")} is not in this report.`);
  else if (unknown.length) say(`Not in this report: ${unknown.join(", ")}.`);
  return true;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function copyLink() {
  rememberAddress();
  const done = (text) => {
    page.link.textContent = text;
    setTimeout(() => (page.link.textContent = "Copy link"), 1500);
  };
  if (!navigator.clipboard) done("It is in the address bar");
  else
    navigator.clipboard.writeText(location.href).then(
      () => done("Copied"),
      () => done("It is in the address bar"),
    );
}

const KEYS = {
  " ": () => setPlaying(!player.playing),
  ArrowLeft: (event) => moveBy(event.shiftKey ? -STEPS_PER_HOUR : -1),
  ArrowRight: (event) => moveBy(event.shiftKey ? STEPS_PER_HOUR : 1),
  "+": () => changeSpeed(1),
  "-": () => changeSpeed(-1),
  n: () => showNeighbour(1),
  p: () => showNeighbour(-1),
};

function moveBy(steps) {
  setPlaying(false);
  setTime(Math.round(player.time) + steps);
  rememberSoon();
}

let remembering = 0;

// Browsers limit how often an address may change.
function rememberSoon() {
  clearTimeout(remembering);
  remembering = setTimeout(rememberAddress, 300);
}

function changeSpeed(by) {
  const { options, selectedIndex } = controls.speed;
  controls.speed.selectedIndex = Math.max(0, Math.min(options.length - 1, selectedIndex + by));
}

// Keys move the flight while it is in the window and the focus is on nothing that takes them.
function onKey(event) {
  const action = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
  if (
    !(event.target instanceof Element) ||
    event.target.matches("select, input:not([type=range]):not([type=checkbox]), textarea")
  )
    return;
  if (event.key === " " && event.target.matches("button, summary, a, input[type=checkbox]")) return;
  const { top, bottom } = document.querySelector(".flight-card").getBoundingClientRect();
  if (bottom < 80 || top > window.innerHeight - 80) return;
  event.preventDefault();
  action(event);
}

function setTheme(theme, keep) {
  document.documentElement.dataset.theme = theme;
  page.theme.textContent = theme === "dark" ? "☀ light" : "☾ dark";
  try {
    if (keep) localStorage.setItem("ble-report-theme", theme);
  } catch {
    // Pages from a disk may have no storage.
  }
  requestAnimationFrame(() => setTimeout(redrawCharts)); // After the rest of the page: they take longest.
  if (scatter.plot) drawScatter();
  player.strips = null;
  requestDrawing();
}

function beginTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let kept = null;
  try {
    kept = localStorage.getItem("ble-report-theme");
  } catch {
    // As above.
  }
  setTheme(kept === "dark" || kept === "light" ? kept : dark.matches ? "dark" : "light", false);
  dark.addEventListener("change", () => setTheme(dark.matches ? "dark" : "light", false));
  page.theme.addEventListener("click", () => setTheme(isDark() ? "light" : "dark", true));
}

function beginScatter() {
  const selects = ["x", "y"].map((axis) => document.getElementById(`scatter-${axis}`));
  const score = document.getElementById("scatter-score");
  document.getElementById("scatter-controls").hidden = agents.length === 1;
  const baseline = agents.findIndex((one) => one.label === report.baseline);
  const byScore = agents
    .map((_, agent) => agent)
    .sort((one, other) => agents[other].scores.twr50.mean[0] - agents[one].scores.twr50.mean[0]);
  const other = byScore.find((agent) => agent !== baseline) ?? baseline;
  selects.forEach((select, place) => {
    select.append(...agents.map((one, agent) => make("option", { value: agent }, one.label)));
    if (report.limits) select.append(make("option", { value: LIMIT }, "the limit"));
    select.value = [baseline, other][place];
  });
  for (const select of [...selects, score]) {
    select.addEventListener("change", () => {
      fillExtremes();
      zoomScatter(null);
    });
  }
  document
    .getElementById("difficulty-score")
    .addEventListener("change", () => drawnCharts.has("difficulty") && drawDifficulty());
}

function watchSections() {
  const links = new Map([...document.querySelectorAll(".page-nav a")].map((link) => [link.hash.slice(1), link]));
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) links.get(target.id).classList.toggle("here", isIntersecting);
    },
    { rootMargin: "-30% 0px -60% 0px" },
  );
  for (const id of links.keys()) observer.observe(document.getElementById(id));
}

async function begin() {
  beginTheme();
  fillHead();
  fillRanking();
  fillLimits();
  beginScatter();
  fillScatterLegend();
  fillExtremes();
  fillRuns();
  listenToFlights();
  listenToScatter();
  document.getElementById("previous").addEventListener("click", () => showNeighbour(-1));
  document.getElementById("next").addEventListener("click", () => showNeighbour(1));
  page.seed.addEventListener("change", showTyped);
  page.link.addEventListener("click", copyLink);
  document.addEventListener("keydown", onKey);
  window.addEventListener("hashchange", followAddress);
  player.shown = new Set(agents.map((_, agent) => agent));
  if (!(await followAddress())) {
    const first = report.seeds.findIndex((_, seed) => agents.some((_, agent) => hasFlight(agent, seed)));
    await showSeed(Math.max(first, 0), { keepAddress: true });
  }
  watchCharts();
  watchSections();
  document.documentElement.dataset.ready = "yes";
}

begin();
