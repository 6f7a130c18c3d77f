import { bytes, capacity, Errno, grow, keep, room, utf8 } from "./host";
import { JSONObject } from "./json";
import { Record } from "./record";
import { host_close, host_create, host_delete, host_find, host_list, host_rows_affected, host_rows_json, host_rows_next, host_sql, host_update } from "./imports";

/** What list looks for: by default the first 30 records. */
export class Query {
  /** In the filter language; {:name} stands for a parameter. */
  filter: string = "";
  /** The filter's parameters. */
  params: JSONObject | null = null;
  /** As in the API: "-created,title". */
  sort: string = "";
  /** 500 at most. */
  limit: i32 = 30;
  offset: i32 = 0;

  json(): ArrayBuffer {
    const o = new JSONObject().text("filter", this.filter).text("sort", this.sort).int("limit", this.limit).int("offset", this.offset);
    const params = this.params;
    if (params) o.put("params", params.json());
    return o.json();
  }
}

/**
 * Data under the rules for someone. Every failure is kept for the end of the call, see takeError; what failed gives null.
 * Writes join the transaction of the call, if there is one, and hooks fire for them.
 */
export class Data {
  constructor(private as: i32) {}

  /** A record by its id; null if there is none, which is no failure. */
  find(collection: string, id: string): Record | null {
    const c = utf8(collection);
    const i = utf8(id);
    const n = host_find(this.as, changetype<usize>(c), c.byteLength, changetype<usize>(i), i.byteLength);
    if (n == Errno.NotFound) return null;
    return this.record("find", collection, n);
  }

  list(collection: string, query: Query): Rows {
    const c = utf8(collection);
    const q = query.json();
    const n = host_list(this.as, changetype<usize>(c), c.byteLength, changetype<usize>(q), q.byteLength);
    if (n < 0) keep("list", collection, n);
    return new Rows(n);
  }

  create(collection: string, values: JSONObject): Record | null {
    return this.createJSON(collection, values.json());
  }

  /** Creates from a JSON object that is UTF-8 already, such as a part of a request's body. */
  createJSON(collection: string, v: ArrayBuffer): Record | null {
    const c = utf8(collection);
    return this.record("create", collection, host_create(this.as, changetype<usize>(c), c.byteLength, changetype<usize>(v), v.byteLength));
  }

  /** Keys may carry modifiers: "count+". */
  update(collection: string, id: string, values: JSONObject): Record | null {
    const c = utf8(collection);
    const i = utf8(id);
    const v = values.json();
    const n = host_update(this.as, changetype<usize>(c), c.byteLength, changetype<usize>(i), i.byteLength, changetype<usize>(v), v.byteLength);
    return this.record("update", collection, n);
  }

  delete(collection: string, id: string): bool {
    const c = utf8(collection);
    const i = utf8(id);
    const n = host_delete(this.as, changetype<usize>(c), c.byteLength, changetype<usize>(i), i.byteLength);
    if (n < 0) keep("delete", collection, n);
    return n >= 0;
  }

  private record(op: string, collection: string, n: i32): Record | null {
    if (n > 0) return new Record(n);
    keep(op, collection, n);
    return null;
  }
}

/** Under the rules for whoever makes the request; a guest where there is no request. */
export const asCaller = new Data(0);
/** Without rules, for the collections that allowCollections named. */
export const asExtension = new Data(1);

/** The records that list found: while (rows.next()) use(rows.record). */
export class Rows {
  private current: i32 = 0;
  constructor(private handle: i32) {}

  /** Goes to the next record, which makes the one before invalid; false at the end. */
  next(): bool {
    if (this.handle <= 0) return false;
    const n = host_rows_next(this.handle);
    if (n < 0) keep("rows_next", "", n);
    this.current = n;
    return n > 0;
  }

  get record(): Record {
    return new Record(this.current);
  }

  close(): void {
    host_close(this.handle);
  }
}

/** Runs one statement; params is a JSON array for ? in order, an object for :name, or null. Needs allowSQL. */
export function sql(statement: string, params: ArrayBuffer | null = null): SQLRows {
  const s = utf8(statement);
  const n = host_sql(changetype<usize>(s), s.byteLength, params ? changetype<usize>(params) : 0, params ? params.byteLength : 0);
  if (n < 0) keep("sql", "", n);
  return new SQLRows(n);
}

/** The rows of a statement: while (rows.next()) use(rows.row()). */
export class SQLRows {
  constructor(private handle: i32) {}

  next(): bool {
    if (this.handle <= 0) return false;
    const n = host_rows_next(this.handle);
    if (n < 0) keep("rows_next", "", n);
    return n > 0;
  }

  /** The current row as a JSON array in UTF-8. */
  row(): ArrayBuffer {
    let n = host_rows_json(this.handle, room(), capacity());
    if (grow(n)) n = host_rows_json(this.handle, room(), capacity());
    if (n < 0) {
      keep("rows_json", "", n);
      return new ArrayBuffer(0);
    }
    return bytes(n);
  }

  /** How many rows the statement changed. */
  get affected(): i32 {
    const n = host_rows_affected(this.handle);
    if (n < 0) keep("rows_affected", "", n);
    return max(n, 0);
  }

  close(): void {
    host_close(this.handle);
  }
}
