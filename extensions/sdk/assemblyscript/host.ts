// What the host offers, as ../../abi.md names it, and how its results become strings and errors.

import { host_error_message, host_error_status, host_log, host_now, host_random } from "./imports";

/** Why a function of the server failed. */
export namespace Errno {
  export const Invalid = -1;
  export const NotFound = -2;
  export const Forbidden = -3;
  /** The data was refused; the message is the JSON of the failures per field. */
  export const Failed = -4;
  export const Busy = -5;
  export const Limit = -6;
  /** Not possible in this call. */
  export const Context = -7;
  export const Internal = -8;
}

/** The levels of the log. */
export namespace Level {
  export const Debug = -4;
  export const Info = 0;
  export const Warning = 4;
  export const Error = 8;
}

/** A function of the server that failed. */
export class HostError {
  constructor(
    /** The function's name in abi.md. */
    public op: string,
    /** The field, collection or record it was about, if any. */
    public object: string,
    public errno: i32,
    /** What the server said. */
    public message: string,
    /** What refused it would answer a client with, a rule or the hook of an extension; 0 if nothing refused it. */
    public status: i32 = 0,
  ) {}

  toString(): string {
    return this.op + " " + this.object + ": " + this.message;
  }
}

let failed: HostError | null = null;

/** Keeps a failure for the end of the call, unless one is kept already. */
export function keep(op: string, object: string, errno: i32): void {
  if (!failed) failed = new HostError(op, object, errno, lastMessage(), host_error_status());
}

/** What the host says of the call that failed last. */
export function lastMessage(): string {
  let n = host_error_message(room(), capacity());
  if (grow(n)) n = host_error_message(room(), capacity());
  return text(max(n, 0));
}

/** The first failure of this call that nobody took, or null. It stays: see takeError. */
export function pendingError(): HostError | null {
  return failed;
}

/**
 * The first failure of this call, or null. It is forgotten: a call whose failure nobody takes is answered with an error even
 * though its handler went on.
 */
export function takeError(): HostError | null {
  const e = failed;
  failed = null;
  return e;
}

// What the host fills in goes to one buffer, which grows to the largest value seen.
let buffer = new ArrayBuffer(1024);

export function room(): usize {
  return changetype<usize>(buffer);
}

export function capacity(): i32 {
  return buffer.byteLength;
}

/** Makes the buffer hold size bytes and tells whether it was too small. */
export function grow(size: i32): bool {
  if (size <= buffer.byteLength) return false;
  buffer = new ArrayBuffer(max(size, 2 * buffer.byteLength));
  return true;
}

/** The first bytes of the buffer as text. */
export function text(size: i32): string {
  return String.UTF8.decodeUnsafe(changetype<usize>(buffer), size);
}

/** The first bytes of the buffer. */
export function bytes(size: i32): ArrayBuffer {
  return buffer.slice(0, size);
}

/** A text for the host; halves of surrogate pairs become U+FFFD, as it takes UTF-8 only. */
export function utf8(s: string): ArrayBuffer {
  return String.UTF8.encode(s, false, String.UTF8.ErrorMode.REPLACE);
}

/** Writes a line to the server's log; 8 KiB of it, which is what the host takes. */
export function log(level: i32, line: string): void {
  const b = utf8(line);
  host_log(level, changetype<usize>(b), cut(b, 8 << 10));
}

/** Where to cut a text of UTF-8 so that at most size bytes are left and no character is split. */
function cut(b: ArrayBuffer, size: i32): i32 {
  if (b.byteLength <= size) return b.byteLength;
  while (size > 0 && (load<u8>(changetype<usize>(b) + size) & 0xc0) == 0x80) size--;
  return size;
}

/** Milliseconds since 1970, UTC. */
export function now(): i64 {
  return host_now();
}

/** Fills an array with cryptographic randomness. */
export function random(into: Uint8Array): void {
  const n = host_random(into.dataStart, into.length);
  if (n < 0) keep("random", "", n);
}

/** What a failed assertion or a missing value calls, see the option --use abort. The instance ends with it. */
export function aborted(message: string | null, file: string | null, line: u32, column: u32): void {
  log(Level.Error, (message ? message : "aborted") + " at " + (file ? file : "?") + ":" + line.toString() + ":" + column.toString());
  unreachable();
}
