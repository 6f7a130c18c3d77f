// A test is a name and an async function; they run in order, because each builds on the ones before it.
import assert from "node:assert/strict";

const tests = [];
export const test = (name, run) => tests.push({ name, run });

/** Runs all tests, prints a line for each and the totals, and returns how many failed. */
export async function runAll() {
  let passed = 0;
  let failed = 0;
  for (const { name, run } of tests) {
    try {
      await run();
      passed++;
      console.log(`ok   ${name}`);
    } catch (err) {
      failed++;
      console.log(`FAIL ${name}\n     ${String(err?.stack ?? err).replaceAll("\n", "\n     ")}`);
      if (err?.response) console.log(`     answer: ${JSON.stringify(err.response)}`);
    }
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed;
}

/** Expects the client to throw its ClientResponseError with this status, and returns the answer's body. */
export async function rejectsWith(status, promise) {
  try {
    await promise;
  } catch (err) {
    assert.equal(err.status, status, `status of ${err}`);
    return err.response;
  }
  assert.fail(`expected an error with status ${status}`);
}

/** Collects what a subscription delivers; take(n) waits for n events in all. */
export function inbox() {
  const events = [];
  let wake = () => {};
  return {
    events,
    put(event) {
      events.push(event);
      wake();
    },
    async take(n, withinMs = 10_000) {
      const deadline = Date.now() + withinMs;
      while (events.length < n) {
        const left = deadline - Date.now();
        assert.ok(left > 0, `${events.length} of ${n} events came`);
        await new Promise((done) => {
          const timer = setTimeout(done, left);
          wake = () => {
            clearTimeout(timer);
            done();
          };
        });
      }
      return events.slice(0, n);
    },
  };
}
