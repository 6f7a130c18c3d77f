import { keep, pendingError } from "./host";
import { host_transaction_begin, host_transaction_commit, host_transaction_rollback } from "./imports";
import { saidNo } from "./refusal";

/**
 * Runs a function, with an argument as it cannot capture variables, in one transaction: what it wrote is committed together when it returns, and none of it when something in it failed or
 * it said no (reject, rejectField). Tells which; a failure stays for the end of the call, see takeError.
 *
 * It is for routes. A hook before the write is in a transaction already when it is atomic, see Hook.atomic; there, and inside of another
 * transaction, it is a savepoint: what the function wrote is taken back alone. Other writers wait meanwhile.
 */
export function transaction<T>(run: (argument: T) => void, argument: T): bool {
  let n = host_transaction_begin();
  if (n < 0) {
    keep("transaction_begin", "", n);
    return false;
  }
  run(argument);
  if (pendingError() || saidNo()) {
    host_transaction_rollback();
    return false;
  }
  n = host_transaction_commit();
  if (n < 0) keep("transaction_commit", "", n);
  return n >= 0;
}
