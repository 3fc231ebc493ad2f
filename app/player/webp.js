// Writes an animated WebP, of pictures that a canvas has given as WebP: as the "WebP Container Specification" has it.

const [ANIMATED, TRANSPARENT] = [0x02, 0x10];
const UNBLENDED = 0x02;
const HEADER = 12;

/**
 * The parts of the file, in their order; it goes on and on.
 *
 * width, height: of the whole, in pixels. frames: [{ bytes, ms }], a WebP of that size, and for how
 * many milliseconds it is shown.
 */
export function webpOf({ width, height, frames }) {
  const pictures = frames.map(({ bytes }) => pictureOf(bytes));
  const clear = pictures.some((parts) => parts.some(({ name }) => name === "ALPH"));
  const size = [...little(width - 1, 3), ...little(height - 1, 3)];
  const chunks = [
    chunk("VP8X", [...little(ANIMATED | (clear ? TRANSPARENT : 0), 4), ...size]),
    chunk("ANIM", [...little(0xffffffff, 4), ...little(0, 2)]),
    ...pictures.map((parts, n) => chunk("ANMF",
      [...little(0, 6), ...size, ...little(frames[n].ms, 3), UNBLENDED],
      ...parts.map(({ whole }) => whole))),
  ];
  const length = chunks.reduce((sum, one) => sum + one.length, 4);
  return [Uint8Array.from([...letters("RIFF"), ...little(length, 4), ...letters("WEBP")]), ...chunks];
}

/** What of a WebP of one picture holds the picture itself: [{ name, whole }]. */
function pictureOf(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found = [];
  for (let at = HEADER; at + 8 <= bytes.length;) {
    const name = String.fromCharCode(...bytes.subarray(at, at + 4));
    const size = view.getUint32(at + 4, true);
    const next = at + 8 + size + (size % 2);
    if (["ALPH", "VP8 ", "VP8L"].includes(name)) found.push({ name, whole: bytes.subarray(at, next) });
    at = next;
  }
  return found;
}

/** A chunk of an even number of bytes, as any is. */
function chunk(name, head, ...rest) {
  const size = rest.reduce((sum, part) => sum + part.length, head.length);
  const whole = new Uint8Array(8 + size + (size % 2));
  let at = 0;
  for (const part of [letters(name), little(size, 4), head, ...rest]) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function letters(name) {
  return [...name].map((letter) => letter.charCodeAt(0));
}

function little(number, bytes) {
  return Array.from({ length: bytes }, (_, n) => (n < 4 ? (number >>> (8 * n)) & 0xff : 0));
}
