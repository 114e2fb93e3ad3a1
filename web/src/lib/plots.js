// Small plots of the last 30 seconds. One timer draws those that can be seen and that still move.
import uPlot from "uplot";
import { moves, SPAN_MS } from "./history.js";

const DRAW_MS = 100;
const HEIGHT = 44;
const plots = new Map();
const dark = matchMedia("(prefers-color-scheme: dark)");

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const line = (name, width) => ({ stroke: () => colour(name), width, points: { show: false }, paths: uPlot.paths.stepped({ align: 1 }) });

const make = (element, range) => {
  const pad = Math.max((range[1] - range[0]) * 0.06, 0.5);
  // A client's range, beyond which the hardware's steps go where the user has set a lower limit.
  const y = (chart, least, greatest) => [Math.min(range[0], least ?? range[0]) - pad, Math.max(range[1], greatest ?? range[1]) + pad];
  const options = {
    width: Math.max(element.clientWidth, 40),
    height: HEIGHT,
    padding: [2, 0, 2, 0],
    legend: { show: false },
    cursor: { show: false },
    axes: [{ show: false }, { show: false }],
    scales: {
      x: { time: false, range: [-SPAN_MS / 1000, 0] },
      y: { range: y },
    },
    series: [{}, line("--wanted", 2), line("--written", 1.5)],
  };
  return new uPlot(options, [[], [], []], element);
};

const draw = (entry, now) => {
  const { device, output, columns } = entry.source;
  entry.chart.setData(columns(device, output, now));
};

const seen = new IntersectionObserver((changes) => {
  for (const { target, isIntersecting } of changes) {
    const entry = plots.get(target);
    if (!entry) continue;
    entry.seen = isIntersecting;
    if (isIntersecting) {
      entry.chart ??= make(target, entry.source.range);
      draw(entry, Date.now());
    }
  }
});

const resized = new ResizeObserver((changes) => {
  for (const { target } of changes) plots.get(target)?.chart?.setSize({ width: Math.max(target.clientWidth, 40), height: HEIGHT });
});

dark.addEventListener("change", () => {
  for (const { chart } of plots.values()) chart?.redraw(false);
});

setInterval(() => {
  if (document.hidden) return;
  const now = Date.now();
  for (const entry of plots.values()) {
    if (entry.seen && entry.chart && moves(entry.source.device, entry.source.output, now)) draw(entry, now);
  }
}, DRAW_MS);

// Draws into the element until the returned function is called.
export const plot = (element, source) => {
  plots.set(element, { source, seen: false, chart: null });
  seen.observe(element);
  resized.observe(element);
  return () => {
    seen.unobserve(element);
    resized.unobserve(element);
    plots.get(element)?.chart?.destroy();
    plots.delete(element);
  };
};
