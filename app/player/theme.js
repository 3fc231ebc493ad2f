// The app's theme, as numbers to draw with.

const PROBE = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });

/** Any CSS colour as [red, green, blue]. */
function rgbOf(color) {
  PROBE.fillStyle = "#808080";
  PROBE.fillStyle = color;
  PROBE.fillRect(0, 0, 1, 1);
  return [...PROBE.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}

export function mixed(from, to, share) {
  return from.map((v, i) => v + (to[i] - v) * share);
}

export function css(rgb, alpha = 1) {
  return `rgba(${rgb.map(Math.round).join(",")},${alpha})`;
}

export function readTheme(element, colors) {
  const style = getComputedStyle(element);
  const value = (name, otherwise) => style.getPropertyValue(name).trim() || otherwise;
  const background = rgbOf(value("--st-background-color", "#ffffff"));
  const text = rgbOf(value("--st-text-color", "#222222"));
  const light = background[0] * 0.3 + background[1] * 0.59 + background[2] * 0.11;
  return {
    background,
    text,
    dark: light < 128,
    font: value("--st-font", "sans-serif"),
    classes: colors.map(rgbOf),
    signature: [background, text, colors, value("--st-font", "")].join(),
  };
}
