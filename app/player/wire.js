// Reads the message that wire.py packs. Integers stay integers; `scales` turns them into values.

const ARRAY_TYPES = { int16: Int16Array, uint16: Uint16Array, uint8: Uint8Array };

function readMessage(bytes) {
  // A copy, since the array that arrives may start at an odd offset.
  const buffer = bytes.slice().buffer;
  const length = new DataView(buffer).getUint32(0, true);
  const data = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  for (const [name, [type, offset, size]] of Object.entries(data.arrays)) {
    data[name] = new ARRAY_TYPES[type](buffer, 4 + length + offset, size);
  }
  return data;
}
