// Writes a WebM of one track of pictures in VP9, each shown for as long as any other: RFC 9559 (Matroska)
// in RFC 8794 (EBML), as far as WebM has it. Where a picture lies that can be shown without others is
// said before all of them.

import { codedColors } from "./mp4.js";

// Nanoseconds of the unit in which moments are written; a block has sixteen bits of them.
const MILLISECOND = 1_000_000;
const NAME = "Neural Collapse Explorer";

/**
 * The parts of the file, in their order.
 *
 * film: as of `mp4Of`, of VP9.
 */
export function webmOf(film) {
  const kind = node(0x1a45dfa3,
    node(0x4286, unsigned(1)), node(0x42f7, unsigned(1)), node(0x42f2, unsigned(4)), node(0x42f3, unsigned(8)),
    node(0x4282, ascii("webm")), node(0x4287, unsigned(4)), node(0x4285, unsigned(2)));
  const clusters = clustersOf(film);
  const about = [infoOf(film), tracksOf(film)];
  // As long wherever the pictures begin.
  const before = total(about) + cuesOf(clusters, 0).length;
  const inside = [...about, cuesOf(clusters, before), ...clusters.flatMap(({ parts }) => parts)];
  return [kind, opening(0x18538067, total(inside)), ...inside];
}

function infoOf({ rate, pictures }) {
  return node(0x1549a966, node(0x2ad7b1, unsigned(MILLISECOND)),
    node(0x4489, double((1000 * pictures.length) / rate)),
    node(0x4d80, ascii(NAME)), node(0x5741, ascii(NAME)));
}

function tracksOf({ rate, width, height, colors }) {
  const [primaries, transfer, matrix] = codedColors(colors ?? {});
  const colour = node(0x55b0, node(0x55b1, unsigned(matrix)), node(0x55ba, unsigned(transfer)),
    node(0x55bb, unsigned(primaries)), node(0x55b9, unsigned(colors?.fullRange ? 2 : 1)));
  const video = node(0xe0, node(0xb0, unsigned(width)), node(0xba, unsigned(height)), colour);
  const [number, id, kind, lacing] = [0xd7, 0x73c5, 0x83, 0x9c].map((of, n) => node(of, unsigned(n < 3 ? 1 : 0)));
  return node(0x1654ae6b, node(0xae, number, id, kind, lacing, node(0x22b59c, ascii("und")),
    node(0x86, ascii("V_VP9")), node(0x23e383, unsigned(Math.round(1e9 / rate))), video));
}

/** From each picture that can be shown without others up to the next: [{ time, parts, length }]. */
function clustersOf({ rate, pictures }) {
  const found = [];
  pictures.forEach(({ bytes, key }, n) => {
    const time = Math.round((1000 * n) / rate);
    if (key || !found.length) found.push({ time, blocks: [] });
    const { time: begun, blocks } = found.at(-1);
    const since = time - begun;
    const block = Uint8Array.from([0x81, since >> 8, since & 0xff, key ? 0x80 : 0]);
    blocks.push(opening(0xa3, block.length + bytes.length), block, bytes);
  });
  return found.map(({ time, blocks }) => {
    const inside = [node(0xe7, unsigned(time)), ...blocks];
    const parts = [opening(0x1f43b675, total(inside)), ...inside];
    return { time, parts, length: total(parts) };
  });
}

/** Where each cluster begins, of which the first lies `before` bytes into the segment. */
function cuesOf(clusters, before) {
  let at = before;
  const points = clusters.map(({ time, length }) => {
    const place = node(0xb7, node(0xf7, unsigned(1)), node(0xf1, unsigned(at)));
    at += length;
    return node(0xbb, node(0xb3, unsigned(time)), place);
  });
  return node(0x1c53bb6b, ...points);
}

// Elements.

function node(id, ...parts) {
  const begin = opening(id, total(parts));
  const made = new Uint8Array(begin.length + total(parts));
  let at = 0;
  for (const part of [begin, ...parts]) {
    made.set(part, at);
    at += part.length;
  }
  return made;
}

/** What an element begins with: its id, and its size in eight bytes, of which the first says so. */
function opening(id, size) {
  const named = [24, 16, 8, 0].map((shift) => (id >>> shift) & 0xff);
  while (named[0] === 0) named.shift();
  const counted = unsigned(size);
  counted[0] = 0x01;
  return Uint8Array.from([...named, ...counted]);
}

/** A number from 0 in eight bytes. */
function unsigned(number) {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(number));
  return new Uint8Array(view.buffer);
}

function double(number) {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, number);
  return new Uint8Array(view.buffer);
}

function ascii(signs) {
  return Uint8Array.from(signs, (sign) => sign.charCodeAt(0));
}

function total(parts) {
  return parts.reduce((sum, { length }) => sum + length, 0);
}
