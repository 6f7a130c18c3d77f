import { capacity, Errno, grow, HostError, keep, Level, log, room, takeError, text, utf8 } from "./host";
import { JSONArray, JSONObject } from "./json";
import { Record } from "./record";
import { hasRequest, Request } from "./request";
import { host_failure, host_reject, host_reject_field } from "./imports";

/** Something that happens to a record, or to the server (then without a record). */
export class Event {
  /** The record; its fields may be changed where abi.md says that it counts. */
  record: Record = new Record(1);
  /** What before hands to after: set it there, read it here. 64 KiB at most. */
  state: ArrayBuffer | null = null;

  /** The request that the event belongs to, null where there is none. */
  get request(): Request | null {
    return hasRequest() ? new Request() : null;
  }

  /** Why the write failed, in record.….error. */
  get failure(): string {
    let n = host_failure(room(), capacity());
    if (grow(n)) n = host_failure(room(), capacity());
    if (n < 0) {
      keep("failure", "", n);
      return "";
    }
    return text(n);
  }
}

type Handler = (e: Event) => void;
type RouteHandler = (r: Request) => void;

export class Hook {
  constructor(
    public event: string,
    public collections: string[],
    public before: Handler | null,
    public afterwards: Handler | null = null,
    public order: i32 = 0,
  ) {}

  /** Sets what is called on the way out, perhaps in another instance. */
  after(f: Handler): Hook {
    this.afterwards = f;
    return this;
  }

  /** The smaller, the further outside; 0 unless set. */
  priority(n: i32): Hook {
    this.order = n;
    return this;
  }
}

export class Route {
  constructor(
    public method: string,
    public path: string,
    public run: RouteHandler,
    public auth: string = "",
  ) {}

  /** Who may call the route: "" everybody, "record" who is signed in, "superuser". */
  for(auth: string): Route {
    this.auth = auth;
    return this;
  }
}

const hooks: Hook[] = [];
const routes: Route[] = [];
let extensionName = "";
let extensionVersion = "";
let allowed: string[] = [];
let allowedSQL = false;
let asked: string[] = [];

/** Names the extension; every one calls it once. */
export function name(name: string, version: string): void {
  extensionName = name;
  extensionVersion = version;
}

/** Asks for collections to reach with asExtension: names, or "*". */
export function allowCollections(names: string[]): void {
  allowed = allowed.concat(names);
}

/** Asks for the use of sql. */
export function allowSQL(): void {
  allowedSQL = true;
}

/**
 * Asks the operator for permissions: "headers.secret" shows Authorization and Cookie of requests, "auth.credentials" allows to set
 * password, email and verified of auth records. They take `troupe serve --grant NAME:PERMISSION`.
 */
export function askFor(permissions: string[]): void {
  asked = asked.concat(permissions);
}

/** Registers a hook for an event as abi.md names it ("record.create"); no collections are all. before may be null. */
export function on(event: string, before: Handler | null, collections: string[] = []): Hook {
  const h = new Hook(event, collections, before);
  hooks.push(h);
  return h;
}

/** Registers a route for a method ("" is all) and a path like /a/{b} or /files/{rest...}. */
export function route(method: string, path: string, run: RouteHandler): Route {
  const r = new Route(method, path, run);
  routes.push(r);
  return r;
}

// Whether the host took a refusal.
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

function texts(list: string[]): ArrayBuffer {
  const a = new JSONArray();
  for (let i = 0; i < list.length; i++) a.text(list[i]);
  return a.json();
}

function describe(): ArrayBuffer {
  const hs = new JSONArray();
  for (let i = 0; i < hooks.length; i++) {
    const h = hooks[i];
    const phases: string[] = [];
    if (h.before) phases.push("before");
    if (h.afterwards) phases.push("after");
    hs.put(new JSONObject().text("event", h.event).put("collections", texts(h.collections)).put("phases", texts(phases)).int("priority", h.order).json());
  }
  const rs = new JSONArray();
  for (let i = 0; i < routes.length; i++) {
    const r = routes[i];
    rs.put(new JSONObject().text("method", r.method).text("path", r.path).text("auth", r.auth).json());
  }
  const permissions = new JSONObject().put("collections", texts(allowed)).bool("sql", allowedSQL);
  if (asked.length > 0) permissions.put("grants", texts(asked));
  return new JSONObject()
    .text("name", extensionName)
    .text("version", extensionVersion)
    .put("hooks", hs.json())
    .put("routes", rs.json())
    .put("permissions", permissions.json())
    .json();
}

// What the host was given a pointer to, or gave one for: held until the next call.
let given: ArrayBuffer[] = [];
let answer: ArrayBuffer | null = null;

/** For the host, see abi.md. */
export function alloc(size: i32): usize {
  const room = new ArrayBuffer(size);
  given.push(room);
  return changetype<usize>(room);
}

/** For the host, see abi.md. */
export function handle(op: i32, index: i32, ptr: usize, len: i32): i64 {
  takeError();
  refused = false;
  answer = null;
  if (op == 0) answer = describe();
  else if (op == 1) before(hooks[index]);
  else if (op == 2) after(hooks[index], ptr, len);
  else if (op == 3) serve(routes[index]);
  given = [];
  const e = takeError();
  if (e && !refused) refuse(e, op == 3);
  const result = answer;
  if (!result || result.byteLength == 0 || refused) return 0;
  return (<i64>changetype<usize>(result) << 32) | result.byteLength;
}

function before(h: Hook): void {
  const f = h.before;
  if (!f) return;
  const e = new Event();
  f(e);
  answer = e.state;
}

function after(h: Hook, ptr: usize, len: i32): void {
  const f = h.afterwards;
  if (!f) return;
  const e = new Event();
  const state = new ArrayBuffer(len);
  memory.copy(changetype<usize>(state), ptr, len);
  e.state = state;
  f(e);
}

function serve(route: Route): void {
  const r = new Request();
  route.run(r);
  answer = r.answer;
}

/** Ends what is under way because of a failure that nobody took; its text is for the log. */
function refuse(e: HostError, route: bool): void {
  log(Level.Error, e.toString());
  let status = 500;
  if (e.errno == Errno.NotFound && route) status = 404; // in a hook it is a mistake of the extension's
  else if (e.errno == Errno.Forbidden) status = 403;
  else if (e.errno == Errno.Failed) status = 400;
  else if (e.errno == Errno.Busy) status = 503;
  reject(status, "");
}
