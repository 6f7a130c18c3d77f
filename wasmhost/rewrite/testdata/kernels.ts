// Programs in AssemblyScript; see kernels.c.
let state: u32 = 1;

function random(): u32 {
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state;
}

export function numbers(): u32 {
  const list = new Array<i32>();
  for (let i = 0; i < 5000; i++) list.push(<i32>(random() & 0xffff));
  list.sort((a, b) => a - b);
  let sum: u32 = 0;
  for (let i = 0; i < list.length; i++) sum = sum * 31 + <u32>list[i];
  state = 1;
  return sum;
}

export function texts(): u32 {
  let hash: u32 = 0;
  for (let i = 0; i < 300; i++) {
    const slug = ("Item " + i.toString() + " of MANY").toLowerCase().split(" ").join("-");
    for (let j = 0; j < slug.length; j++) hash = hash * 31 + slug.charCodeAt(j);
  }
  return hash;
}

export function maps(): u32 {
  const map = new Map<u32, u32>();
  for (let i: u32 = 0; i < 4000; i++) map.set((i * 2654435761) & 1023, i);
  let sum: u32 = 0;
  const keys = map.keys();
  for (let i = 0; i < keys.length; i++) sum = sum * 17 + map.get(keys[i]);
  return sum;
}

export function bytes(): u32 {
  const data = new Uint8Array(1 << 14);
  let sum: u32 = 0;
  for (let round = 0; round < 10; round++) {
    for (let i = 0; i < data.length; i++) data[i] = <u8>(i * 7 + round);
    for (let i = 0; i < data.length; i++) sum = (sum ^ data[i]) * 16777619;
  }
  return sum;
}
