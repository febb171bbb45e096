// The parts of the page that are text and tables. All text enters as text, never as markup.

// An element with attributes and children; a string becomes text.
function make(tag, attributes = {}, ...children) {
  const svg = ["svg", "line", "circle", "rect", "text"].includes(tag);
  const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "style") element.style.cssText = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

function swatch(agent) {
  return make("span", { class: "swatch", style: agentStyle(agent) });
}

// A number as text, without the minus sign of what is rounded to zero.
function fixed(value, digits) {
  return value.toFixed(digits).replace(/^-(?=[0.]*$)/, "");
}

// [value, low, high] as text.
function intervalText(estimate, digits) {
  return estimate?.length === 3 ? `[${fixed(estimate[1], digits)}, ${fixed(estimate[2], digits)}]` : "";
}

function estimateCell(estimate, digits, sign = false) {
  if (!estimate) return make("td", {}, "–");
  const prefix = sign && estimate[0] > 0 ? "+" : "";
  return make(
    "td",
    {},
    prefix + fixed(estimate[0], digits),
    make("span", { class: "interval" }, intervalText(estimate, digits)),
  );
}

function plural(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

function fillHead() {
  const hours = report.episode_steps / STEPS_PER_HOUR;
  const facts = [
    plural(agents.length, "agent"),
    plural(report.seeds.length, "seed"),
    `episodes of up to ${hours} h`,
    ...(agents.length > 1 ? [`baseline ${report.baseline}`] : []),
  ];
  document.getElementById("facts").textContent = facts.join("  ·  ");
  for (const element of document.querySelectorAll(".radius")) element.textContent = `${report.radius} km`;
  const level = `${Math.round(100 * report.confidence)} %`;
  document.getElementById("interval-note").textContent =
    report.seeds.length > 1
      ? `Intervals are of ${level}, from a bootstrap over the seeds; differences are paired by seed.`
      : "One seed gives no intervals.";
  document.getElementById("failure-note").hidden = !agents.some(failedCount);
  const notes = document.getElementById("notes");
  notes.hidden = report.notes.length === 0;
  notes.replaceChildren(...report.notes.map((note) => make("p", {}, note)));
}

// The columns of the leaderboard: heading, value to sort by, cell. Differences need another agent.
function rankingColumns() {
  const bounds = rangeOf(agents.flatMap((one) => one.scores.twr50.mean));
  const columns = [
    { name: "agent", value: (one) => one.label, cell: agentCell },
    { name: "TWR50", value: (one) => one.scores.twr50.mean[0], cell: (one) => estimateCell(one.scores.twr50.mean, 3) },
    { name: "", cell: (one, agent) => make("td", { class: "wide" }, whisker(one.scores.twr50.mean, bounds, agent)) },
    {
      name: "IQM",
      title: "Mean of the middle half of the flights",
      value: (one) => one.scores.twr50.iqm[0],
      cell: (one) => estimateCell(one.scores.twr50.iqm, 3),
    },
    {
      name: "median",
      value: (one) => one.scores.twr50.median[0],
      cell: (one) => estimateCell(one.scores.twr50.median, 3),
    },
    ...(agents.some(failedCount) ? [wholeEpisode] : []),
    {
      name: "reward",
      value: (one) => one.scores.reward.mean[0],
      cell: (one) => estimateCell(one.scores.reward.mean, 1),
    },
    { name: "failed", title: "Flights that ended early", value: (one) => failedCount(one), cell: failedCell },
  ];
  if (agents.length === 1) return columns;
  return [
    ...columns,
    {
      name: "difference",
      title: `TWR50 minus that of ${report.baseline}, paired by seed`,
      value: (one) => one.difference?.twr50.mean[0] ?? 0,
      cell: differenceCell,
    },
    {
      name: "better on",
      title: "Probability of improvement: share of seeds on which the agent is better than the baseline, ties by half",
      value: (one) => one.difference?.twr50.improvement[0] ?? 0.5,
      cell: (one) => estimateCell(one.difference?.twr50.improvement, 3),
    },
    {
      name: "p",
      title: "Of the difference, corrected for the number of comparisons (Benjamini-Hochberg)",
      value: (one) => one.difference?.twr50.p ?? 1,
      cell: (one) => make("td", {}, one.difference ? pText(one.difference.twr50.p) : "–"),
    },
  ];
}

// The same as TWR50 where no flight has failed.
const wholeEpisode = {
  name: `of ${report.episode_steps} steps`,
  title: "TWR50 over the steps of a whole episode: what a failed flight misses counts as outside",
  value: (one) => one.scores.twr50_episode.mean[0],
  cell: (one) => estimateCell(one.scores.twr50_episode.mean, 3),
};

// What a plan with the true wind reaches on groups of seeds, and how far below it the agents are.
function fillLimits() {
  if (!report.limits) return;
  for (const hidden of document.querySelectorAll('#limits, [href="#limits"], [value="regret"]')) hidden.hidden = false;
  const { source, hopeless_below: hopeless, easy_above: easy, overall, kinds, strata } = report.limits;
  document.getElementById("limits-note").textContent =
    `The TWR50 of plans that were made and flown with the true wind (${source}), ${plural(overall.seeds, "seed")}. ` +
    "More may be possible, so that regret, the limit minus the TWR50 of an agent, can be below 0.";
  const kindNames = { hopeless: `hopeless, below ${hopeless}`, middling: "middling", easy: `easy, above ${easy}` };
  const groups = [
    ["all", overall, (regret) => regret.overall],
    ...Object.entries(kinds).map(([kind, group]) => [kindNames[kind], group, (regret) => regret.kinds[kind]]),
    ...Object.entries(strata).map(([name, group]) => [
      name === "other" ? "no stratum" : `stratum ${name}`,
      group,
      (regret) => regret.strata[name],
    ]),
  ];
  const flown = agents.filter((one) => one.regret);
  const heads = ["seeds", "number", "hopeless", "easy", "limit", ...flown.map((one) => `regret of ${one.label}`)];
  const rows = groups.map(([name, group, regretOf]) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, name),
      ...[group.seeds, group.hopeless, group.easy].map((number) => make("td", {}, number.toLocaleString("en"))),
      estimateCell(group.limit, 3),
      ...flown.map((one) => estimateCell(regretOf(one.regret), 3)),
    ),
  );
  document
    .getElementById("limit-groups")
    .replaceChildren(
      make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head)))),
      make("tbody", {}, ...rows),
    );
}

function agentCell(one, agent) {
  const tags = one.label === report.baseline && agents.length > 1 ? [make("span", { class: "tag" }, "baseline")] : [];
  return make("th", { scope: "row", title: one.label }, swatch(agent), one.label, ...tags);
}

function failedCount(one) {
  return report.failures.reduce((sum, name) => sum + one.failed[name], 0);
}

function failedCell(one) {
  const kinds = report.failures
    .filter((name) => one.failed[name])
    .map((name) => `${one.failed[name]} ${name.replaceAll("_", " ")}`);
  return make("td", { title: kinds.join(", ") }, failedCount(one).toLocaleString("en"));
}

function differenceCell(one) {
  const cell = estimateCell(one.difference?.twr50.mean, 3, true);
  const [, low, high] = one.difference?.twr50.mean ?? [];
  if (low > 0) cell.classList.add("good");
  if (high < 0) cell.classList.add("bad");
  return cell;
}

function pText(p) {
  return p < 0.001 ? "< 0.001" : p.toFixed(3);
}

// A mean and its interval on an axis that all rows share.
function whisker(estimate, [least, most], agent) {
  const pad = 0.06 * (most - least || 1);
  const place = (value) => `${(100 * (value - least + pad)) / (most - least + 2 * pad)}%`;
  const color = agentStyle(agent);
  const [mean, low, high] = estimate;
  const drawing = make("svg", {
    role: "img",
    "aria-label": `${mean.toFixed(3)} ${intervalText(estimate, 3)}`,
    style: color,
  });
  drawing.append(make("line", { x1: "0", x2: "100%", y1: "15", y2: "15", stroke: "var(--grid)" }));
  if (low !== undefined) {
    drawing.append(
      make("line", {
        x1: place(low),
        x2: place(high),
        y1: "15",
        y2: "15",
        stroke: "currentColor",
        "stroke-width": "5",
        "stroke-linecap": "round",
        opacity: "0.4",
      }),
    );
  }
  drawing.append(make("circle", { cx: place(mean), cy: "15", r: "6", fill: "currentColor" }));
  return drawing;
}

let rankingOrder = { column: 1, up: false };

function fillRanking() {
  const columns = rankingColumns();
  const { column, up } = rankingOrder;
  const order = agents
    .map((_, agent) => agent)
    .sort((one, other) => {
      const [first, second] = [one, other].map((agent) => columns[column].value(agents[agent]));
      const sign = first < second ? -1 : first > second ? 1 : 0;
      return up ? sign : -sign;
    });
  const heads = columns.map(({ name, title, value }, place) => {
    const head = make("th", { scope: "col", ...(title ? { title } : {}) });
    if (!value) return head;
    if (place === column) head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const button = make("button", { type: "button" }, place === column ? `${name} ${up ? "↑" : "↓"}` : name);
    button.addEventListener("click", () => {
      rankingOrder = { column: place, up: place === column ? !up : place === 0 };
      fillRanking();
      document.querySelectorAll("#ranking thead th")[place].querySelector("button").focus();
    });
    head.append(button);
    return head;
  });
  const rows = order.map((agent) => make("tr", {}, ...columns.map(({ cell }) => cell(agents[agent], agent))));
  document
    .getElementById("ranking")
    .replaceChildren(make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...rows));
}

// Beside the scatter plot: the seeds on which the two agents differ most, or the best and worst of a single one.
function fillExtremes() {
  const [across, up] = scatterAxes();
  const scores = scatterValues;
  const seeds = report.seeds.map((_, seed) => seed);
  const lists = [];
  if (agents.length === 1) {
    const byScore = seeds.sort((one, other) => scores(across)[one] - scores(across)[other]);
    lists.push({ title: "Highest TWR50", agent: 0, seeds: byScore.slice(-8).reverse() });
    lists.push({ title: "Lowest TWR50", agent: 0, seeds: byScore.slice(0, 8) });
  } else {
    for (const [ahead, behind] of [
      [up, across],
      [across, up],
    ]) {
      const lead = (seed) => scores(ahead)[seed] - scores(behind)[seed];
      const best = seeds.filter((seed) => lead(seed) > 0).sort((one, other) => lead(other) - lead(one));
      lists.push({
        title: `${scatterName(ahead.agent)} is furthest ahead`,
        agent: ahead.agent,
        seeds: best.slice(0, 8),
        lead,
      });
    }
  }
  const digits = across.score === "reward" ? 0 : 2;
  const most = Math.max(
    ...lists.flatMap(({ seeds: some, lead }) => some.map((seed) => (lead ?? ((one) => scores(across)[one]))(seed))),
    1e-9,
  );
  document.getElementById("extremes").replaceChildren(
    ...lists.map(({ title, agent, seeds: some, lead }) => {
      const value = lead ?? ((seed) => scores(across)[seed]);
      const items = some.map((seed) => {
        const button = make(
          "button",
          { type: "button" },
          make("span", {}, report.seeds[seed]),
          make("span", {
            class: "bar",
            style: `width: ${(100 * value(seed)) / most}%; ${agentStyle(agent)}`,
          }),
          make("span", { class: "number" }, (lead ? "+" : "") + value(seed).toFixed(digits)),
        );
        button.addEventListener("click", () => showSeed(seed, { scroll: true }));
        return make("li", {}, button);
      });
      return make(
        "div",
        {},
        make("h3", {}, title),
        make("ol", {}, ...(items.length ? items : [make("li", {}, "on no seed")])),
      );
    }),
  );
}

function fillRuns() {
  const rows = agents.map((one, agent) => {
    const known = Object.entries({ file: one.file, ...one.run });
    const pairs = known.flatMap(([name, value]) => [make("dt", {}, name.replaceAll("_", " ")), make("dd", {}, value)]);
    if (known.length === 1) pairs.push(make("dt", {}, "record"), make("dd", {}, "There is none beside the file."));
    if (one.difference) {
      const { seeds_paired: paired, seeds_unpaired: unpaired } = one.difference;
      const needed =
        paired === null ? "unknown" : `${plural(paired, "seed")} paired, ${plural(unpaired, "seed")} unpaired`;
      pairs.push(
        make("dt", {}, "sample size"),
        make(
          "dd",
          {},
          `To see a difference of ${report.difference} from ${report.baseline} with power 0.8: ${needed}.`,
        ),
      );
    }
    return make("details", {}, make("summary", {}, swatch(agent), one.label), make("dl", {}, ...pairs));
  });
  document.getElementById("runs").replaceChildren(...rows);
}
