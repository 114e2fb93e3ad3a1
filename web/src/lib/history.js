// What each output wanted and had within the last 30 seconds, for the plots.
export const SPAN_MS = 30_000;

const series = new Map();
const key = (device, output) => `${device}.${output.feature}.${output.output}`;
const isLevel = (output) => !output.output.endsWith("position");
// A level after a stop is 0. Where an axis is after a stop is not what anybody wants.
const value = (output, which) => output[which] ?? (isLevel(output) ? 0 : null);

export const record = (device, outputs, now = Date.now()) => {
  for (const output of outputs) {
    const name = key(device, output);
    let points = series.get(name);
    if (!points) series.set(name, (points = []));
    const last = points.at(-1);
    const point = [now, value(output, "wanted"), value(output, "written")];
    if (last && last[1] === point[1] && last[2] === point[2]) continue;
    points.push(point);
    // One point before the window stays: it is the value with which the window begins.
    let old = 0;
    while (old + 1 < points.length && points[old + 1][0] < now - SPAN_MS) old += 1;
    if (old) points.splice(0, old);
  }
};

export const forget = (device) => {
  for (const name of series.keys()) if (name.startsWith(`${device}.`)) series.delete(name);
};

// The three columns that uPlot draws, with the times in seconds before now.
export const columns = (device, output, now = Date.now()) => {
  const points = series.get(key(device, output)) ?? [];
  const shown = points.map(([at, wanted, written]) => [Math.max((at - now) / 1000, -SPAN_MS / 1000), wanted, written]);
  const last = shown.at(-1);
  if (last) shown.push([0, last[1], last[2]]);
  return [0, 1, 2].map((column) => shown.map((point) => point[column]));
};

// Whether a plot would still move.
export const moves = (device, output, now = Date.now()) => (series.get(key(device, output))?.at(-1)?.[0] ?? 0) > now - SPAN_MS - 1000;
