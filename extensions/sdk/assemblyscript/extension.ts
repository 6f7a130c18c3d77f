import { capacity, grow, keep, room, takeError, text } from "./host";
import { JSONArray, JSONObject } from "./json";
import { Record } from "./record";
import { forgetRefusal, refuse, saidNo } from "./refusal";
import { callID, hasRequest, Request } from "./request";
import { host_failure } from "./imports";

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

  /** The id of this call, in record.….success: the same each time that the call is made, as one that fails is made again. */
  get callID(): string {
    return callID();
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

/** What was said of a hook's transaction. */
enum Together {
  ByDefault,
  Yes,
  No,
}

export class Hook {
  constructor(
    public event: string,
    public collections: string[],
    public before: Handler | null,
    public afterwards: Handler | null = null,
    public order: i32 = 0,
    public together: Together = Together.ByDefault,
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

  /**
   * Says whether the hooks and the write that they are around run in one transaction: what the handler finds does not change until the
   * record is written, and what it writes is taken back when the record is not. That is so unless set for hooks before the write (those of
   * request, create, update, delete, validate and execute) of an extension that may reach data, see allowCollections and allowSQL. Other
   * writers wait while such a hook runs; switch it off for one that only looks at the record.
   */
  atomic(on: bool): Hook {
    this.together = on ? Together.Yes : Together.No;
    return this;
  }

  /** What the description says. */
  get isAtomic(): bool {
    if (this.together != Together.ByDefault) return this.together == Together.Yes;
    return beforeTheWrite(this.event) && (allowedSQL || allowed.length > 0);
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
let required: string[] = [];

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

/**
 * Names what the extension cannot do without, as abi.md lists it: a server that does not know it refuses the module and says why.
 * "atomic" is named by itself where a hook is.
 */
export function require(features: string[]): void {
  for (let i = 0; i < features.length; i++) if (!required.includes(features[i])) required.push(features[i]);
}

/** Whether an event is one that can still keep a record from being written. */
function beforeTheWrite(event: string): bool {
  if (event == "record.validate") return true;
  const parts = event.split(".");
  const verb = parts.length > 1 && (parts[1] == "create" || parts[1] == "update" || parts[1] == "delete");
  return verb && (parts.length == 2 || parts[2] == "request" || parts[2] == "execute");
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
    const spec = new JSONObject().text("event", h.event).put("collections", texts(h.collections)).put("phases", texts(phases)).int("priority", h.order);
    if (h.isAtomic) {
      spec.bool("atomic", true);
      require(["atomic"]);
    }
    hs.put(spec.json());
  }
  const rs = new JSONArray();
  for (let i = 0; i < routes.length; i++) {
    const r = routes[i];
    rs.put(new JSONObject().text("method", r.method).text("path", r.path).text("auth", r.auth).json());
  }
  const permissions = new JSONObject().put("collections", texts(allowed)).bool("sql", allowedSQL);
  if (asked.length > 0) permissions.put("grants", texts(asked));
  const d = new JSONObject()
    .text("name", extensionName)
    .text("version", extensionVersion)
    .put("hooks", hs.json())
    .put("routes", rs.json())
    .put("permissions", permissions.json());
  if (required.length > 0) d.put("requires", texts(required));
  return d.json();
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
  forgetRefusal();
  answer = null;
  if (op == 0) answer = describe();
  else if (op == 1) before(hooks[index]);
  else if (op == 2) after(hooks[index], ptr, len);
  else if (op == 3) serve(routes[index]);
  given = [];
  const e = takeError();
  if (e && !saidNo()) refuse(e, op == 3);
  const result = answer;
  if (!result || result.byteLength == 0 || saidNo()) return 0;
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
