import { bytes, capacity, Errno, grow, keep, room, text, utf8 } from "./host";
import { JSONObject } from "./json";
import { Record } from "./record";
import { host_auth, host_auth_superuser, host_request, host_respond, host_respond_header } from "./imports";

enum Part {
  Method,
  Path,
  Param,
  Query,
  Header,
  Body,
  Address,
  URI,
  Situation,
  Call,
}

/** The request that a route answers, or that a hook runs in. What it does not have is empty. */
export class Request {
  /** What the answer holds so far. */
  answer: ArrayBuffer | null = null;

  get method(): string {
    return part(Part.Method, "");
  }
  get path(): string {
    return part(Part.Path, "");
  }
  /** The value of {name} in the route's path. */
  param(name: string): string {
    return part(Part.Param, name);
  }
  /** A parameter of the query. */
  query(name: string): string {
    return part(Part.Query, name);
  }
  header(name: string): string {
    return part(Part.Header, name);
  }
  /** The body as it was sent. */
  get body(): ArrayBuffer {
    return bytes(fill(Part.Body, ""));
  }
  /** The body as text. */
  get bodyText(): string {
    return part(Part.Body, "");
  }
  /** Where the client is. */
  get address(): string {
    return part(Part.Address, "");
  }
  /** Path and query as they were sent. */
  get uri(): string {
    return part(Part.URI, "");
  }
  /** What the request is for: "default", "batch", "realtime" and so on. */
  get situation(): string {
    return part(Part.Situation, "");
  }

  /** The record that is signed in, null for a guest. */
  get auth(): Record | null {
    const n = host_auth();
    if (n > 0) return new Record(n);
    if (n != Errno.NotFound) keep("auth", "", n);
    return null;
  }

  get isSuperuser(): bool {
    const n = host_auth_superuser();
    if (n < 0) keep("auth_superuser", "", n);
    return n == 1;
  }

  /** Answers with a JSON object. */
  json(status: i32, value: JSONObject): void {
    this.bytes(status, "application/json", value.json());
  }

  /** Answers with plain text. */
  text(status: i32, s: string): void {
    this.bytes(status, "text/plain; charset=utf-8", utf8(s));
  }

  /** Answers with bytes of a content type. */
  bytes(status: i32, contentType: string, body: ArrayBuffer): void {
    const t = utf8(contentType);
    const n = host_respond(status, changetype<usize>(t), t.byteLength);
    if (n < 0) keep("respond", contentType, n);
    this.answer = body;
  }

  /** Adds a header to the answer. */
  setHeader(name: string, value: string): void {
    const f = utf8(name);
    const v = utf8(value);
    const n = host_respond_header(changetype<usize>(f), f.byteLength, changetype<usize>(v), v.byteLength);
    if (n < 0) keep("respond_header", name, n);
  }
}

/** The id of the call, see Event.callID. */
export function callID(): string {
  return part(Part.Call, "");
}

/** Whether the call has a request. */
export function hasRequest(): bool {
  return host_request(Part.Method, 0, 0, room(), capacity()) >= 0;
}

function part(which: Part, name: string): string {
  return text(fill(which, name));
}

/** Leaves a part in the buffer and tells its length. */
function fill(which: Part, name: string): i32 {
  const f = utf8(name);
  let n = host_request(which, changetype<usize>(f), f.byteLength, room(), capacity());
  if (grow(n)) n = host_request(which, changetype<usize>(f), f.byteLength, room(), capacity());
  if (n < 0) {
    if (n != Errno.NotFound) keep("request", name, n);
    return 0;
  }
  return n;
}
