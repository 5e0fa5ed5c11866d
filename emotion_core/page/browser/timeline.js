/**
 * The last half minute as a chart: a row of stacked areas per person. The text is HTML, so that it stays
 * legible when a phone squeezes the areas.
 * @import {Label} from "./types.js"
 * @import {Recent} from "./recent.js"
 */
import { BIN_SECONDS, WINDOW_SECONDS } from "./recent.js";

/** Most people drawn, and for how long they must have been seen. */
const MAX_ROWS = 6, LEAST_SECONDS = 1;
const WIDTH = 600, HEIGHT = 60, TICK = 10;
const SVG = "http://www.w3.org/2000/svg";

/**
 * The elements to show for the window that ends at `now`.
 * @param {Recent[]} people
 * @param {Label[]} labels
 * @param {number} now seconds
 * @returns {Element[]}
 */
export function timeline(people, labels, now) {
  const seen = people.filter((one) => one.seconds >= LEAST_SECONDS).sort((one, other) => other.seconds - one.seconds);
  const rows = seen.slice(0, MAX_ROWS).sort((one, other) => one.person - other.person);
  if (!rows.length) return [element("p", { class: "nobody" }, "Nobody was seen for longer than a second.")];
  const legend = labels.map(({ name, colour }) =>
    element("li", {}, element("i", { style: `background:${colour}` }), name));
  const ticks = [30, 20, 10].map((seconds) => element("span", {}, `−${seconds} s`));
  return [
    element("ul", { class: "legend" }, ...legend),
    ...rows.map((row) => figure(row, labels, now)),
    element("p", { class: "ticks", "aria-hidden": "true" }, ...ticks, element("span", {}, "now")),
  ];
}

/** @param {Recent} row @param {Label[]} labels @param {number} now @returns {Element} */
function figure(row, labels, now) {
  const bins = [...row.bins.values()];
  const means = labels.map((_, index) => bins.reduce((sum, bin) => sum + bin[index], 0) / bins.length);
  const most = Math.max(...means), { name, symbol } = labels[means.indexOf(most)];
  const said = `Person ${row.person}: mostly ${name}, ${Math.round(100 * most)}% on average`;
  const grid = [];
  for (let second = TICK; second < WINDOW_SECONDS; second += TICK) {
    const d = `M${Math.round((WIDTH * second) / WINDOW_SECONDS)} 0V${HEIGHT}`;
    grid.push(drawn("path", { "vector-effect": "non-scaling-stroke", d }));
  }
  const areas = drawn("g", {}, ...stacked(row.bins, labels, now));
  return element(
    "figure",
    {},
    element(
      "figcaption",
      {},
      element("b", {}, `Person ${row.person}`),
      " ",
      element("span", { "aria-hidden": "true" }, symbol ?? "🙂"),
      ` mostly ${name}`,
    ),
    drawn(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": said },
      drawn("rect", { width: WIDTH, height: HEIGHT, fill: "currentColor", "fill-opacity": 0.07 }),
      areas,
      drawn("g", { stroke: "currentColor", "stroke-opacity": 0.35 }, ...grid),
    ),
  );
}

/**
 * A path per label and gapless run.
 * @param {Map<number, number[]>} bins
 * @param {Label[]} labels
 * @param {number} now
 */
function stacked(bins, labels, now) {
  const paths = [];
  for (const run of runs([...bins.keys()].sort((one, other) => one - other))) {
    let below = run.map(() => 0);
    for (const [index, label] of labels.entries()) {
      const above = run.map((number, place) => below[place] + (bins.get(number) ?? [])[index]);
      paths.push(drawn("path", { fill: label.colour, d: outline(run, below, above, now) }));
      below = above;
    }
  }
  return paths;
}

/**
 * @param {number[]} run consecutive bin numbers
 * @param {number[]} below shares at the lower edge
 * @param {number[]} above
 * @param {number} now
 * @returns {string} edges run from bin centre to bin centre, as steps would flicker; the ends are level
 */
export function outline(run, below, above, now) {
  /** @param {number} seconds */
  const x = (seconds) => {
    const share = (seconds - now + WINDOW_SECONDS) / WINDOW_SECONDS;
    return Math.round(Math.min(Math.max(share, 0), 1) * WIDTH * 10) / 10;
  };
  /** @param {number} share */
  const y = (share) => Math.round(Math.min(Math.max(1 - share, 0), 1) * HEIGHT * 10) / 10;
  /** @param {number[]} shares */
  const edge = (shares) => [
    `${x(run[0] * BIN_SECONDS)} ${y(shares[0])}`,
    ...run.map((number, index) => `${x((number + 0.5) * BIN_SECONDS)} ${y(shares[index])}`),
    `${x((run[run.length - 1] + 1) * BIN_SECONDS)} ${y(shares[shares.length - 1])}`,
  ];
  return `M${[...edge(above), ...edge(below).reverse()].join("L")}Z`;
}

/** @param {number[]} numbers in order @returns {number[][]} */
export function runs(numbers) {
  /** @type {number[][]} */
  const found = [];
  for (const number of numbers) {
    const last = found[found.length - 1];
    if (last && last[last.length - 1] === number - 1) last.push(number);
    else found.push([number]);
  }
  return found;
}

/** @param {string} name @param {Record<string, string | number>} values @param {...(Node | string)} children */
function element(name, values, ...children) {
  return filled(document.createElement(name), values, children);
}

/** @param {string} name @param {Record<string, string | number>} values @param {...(Node | string)} children */
function drawn(name, values, ...children) {
  return filled(document.createElementNS(SVG, name), values, children);
}

/** @param {Element} made @param {Record<string, string | number>} values @param {(Node | string)[]} children */
function filled(made, values, children) {
  for (const [name, value] of Object.entries(values)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}
