import { Errno, HostError, keep, lastMessage, Level, log, utf8 } from "./host";
import { host_error_status, host_pass_on, host_reject, host_reject_field } from "./imports";

// Whether the host took a refusal in this call.
let refused = false;

/** Ends what is under way with a status (400–599) and a message for the client, once the handler has returned. */
export function reject(status: i32, message: string): void {
  const m = utf8(message);
  const n = host_reject(status, changetype<usize>(m), m.byteLength);
  if (n < 0) keep("reject", message, n);
  else refused = true;
}

/** Refuses the value of a field, as validation does, once the handler has returned. */
export function rejectField(field: string, code: string, message: string): void {
  const f = utf8(field);
  const c = utf8(code);
  const m = utf8(message);
  const n = host_reject_field(changetype<usize>(f), f.byteLength, changetype<usize>(c), c.byteLength, changetype<usize>(m), m.byteLength);
  if (n < 0) keep("reject_field", field, n);
  else refused = true;
}

/** Whether this call has said no. */
export function saidNo(): bool {
  return refused;
}

/** Begins a call that has said nothing yet. */
export function forgetRefusal(): void {
  refused = false;
}

/**
 * Ends what is under way because of a failure that nobody took: as what refused it said, or else with a status that fits; then its text is
 * for the log.
 */
export function refuse(e: HostError, route: bool): void {
  if (passOn(e)) return;
  log(Level.Error, e.toString());
  let status = 500;
  if (e.errno == Errno.NotFound && route) status = 404; // in a hook it is a mistake of the extension's
  else if (e.errno == Errno.Forbidden) status = 403;
  else if (e.errno == Errno.Failed) status = 400;
  else if (e.errno == Errno.Busy) status = 503;
  reject(status, "");
}

/**
 * Answers what refused a host call as it was said, and a lack of room or time as it is. The host knows how the last call failed that did,
 * so it is compared.
 */
function passOn(e: HostError): bool {
  if ((e.status == 0 && e.errno != Errno.Busy) || host_error_status() != e.status || lastMessage() != e.message || host_pass_on() < 0) return false;
  refused = true;
  return true;
}
