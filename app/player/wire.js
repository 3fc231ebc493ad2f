// Reads the message that wire.py packs. Integers stay integers; `scales` turns them into values.

const ARRAY_TYPES = { int16: Int16Array, uint16: Uint16Array, uint8: Uint8Array };

export function readMessage(bytes) {
  // A copy, since the array that arrives may start at an odd offset.
  const buffer = bytes.slice().buffer;
  const length = new DataView(buffer).getUint32(0, true);
  const data = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  for (const [name, [type, offset, size]] of Object.entries(data.arrays)) {
    data[name] = new ARRAY_TYPES[type](buffer, 4 + length + offset, size);
  }
  data.ways = data.ways.map((way, n) => wayOf(data, way, `way${n}:`));
  return data;
}

/** A way through the layers as a film of its own: what it does not bring along is the film's. */
function wayOf(data, head, prefix) {
  const way = { ...data, ...head, ways: [] };
  for (const name of Object.keys(data.arrays)) {
    if (name.startsWith(prefix)) way[name.slice(prefix.length)] = data[name];
  }
  return way;
}
