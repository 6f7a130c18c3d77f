// An extension that only computes: what its loops cost shows what interruption checks cost.
import { GET, JSONObject, name, reject, Request } from "../../../sdk/assemblyscript";
export { alloc, handle } from "../../../sdk/assemblyscript";

/** How many numbers the sieve holds. */
const SIZE: i32 = 64 << 10;

const sieve = new StaticArray<u8>(SIZE);

/** Hashes a sieve of Eratosthenes again and again. */
function spin(rounds: u32): u32 {
  let hash: u32 = 2166136261;
  for (; rounds > 0; rounds--) {
    for (let i = 0; i < SIZE; i++) unchecked((sieve[i] = 1));
    for (let i = 2; i * i < SIZE; i++) {
      if (!unchecked(sieve[i])) continue;
      for (let n = i * i; n < SIZE; n += i) unchecked((sieve[n] = 0));
    }
    for (let i = 0; i < SIZE; i++) hash = (hash ^ unchecked(sieve[i])) * 16777619;
  }
  return hash;
}

name("bench-as", "1.0.0");
GET("/spin/{n}", (r: Request): void => {
  const n = r.param("n");
  const rounds = I64.parseInt(n, 10);
  if (n.length == 0 || rounds < 0 || rounds > i32.MAX_VALUE || rounds.toString() != n) {
    reject(400, "n must be a number.");
    return;
  }
  r.json(200, new JSONObject().int("rounds", rounds).int("hash", <i64>spin(<u32>rounds)));
});
