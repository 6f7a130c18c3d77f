import { bytes, capacity, Errno, grow, keep, room, text, utf8 } from "./host";
import { host_close, host_record_collection, host_record_hide, host_record_json, host_record_number, host_record_original, host_record_set_json, host_record_set_number, host_record_set_text, host_record_show, host_record_text } from "./imports";

/**
 * A record of the server, valid until the handler returns, or until next() of the rows it came from. A getter or setter that
 * fails (the field does not exist, say) keeps its failure for the end of the call, see takeError.
 */
export class Record {
  constructor(private handle: i32) {}

  get id(): string {
    return this.text("id");
  }

  /** A field as text: texts as they are, numbers and bools as JSON writes them, everything else as JSON. */
  text(name: string): string {
    const f = utf8(name);
    let n = host_record_text(this.handle, changetype<usize>(f), f.byteLength, room(), capacity());
    if (grow(n)) n = host_record_text(this.handle, changetype<usize>(f), f.byteLength, room(), capacity());
    if (n < 0) {
      keep("record_text", name, n);
      return "";
    }
    return text(n);
  }

  /** Sets a field to what it makes of a text. A modifier is allowed around the name: "tags+". */
  setText(name: string, value: string): void {
    const f = utf8(name);
    const v = utf8(value);
    const n = host_record_set_text(this.handle, changetype<usize>(f), f.byteLength, changetype<usize>(v), v.byteLength);
    if (n < 0) keep("record_set_text", name, n);
  }

  /** A number field, or 0 and 1 of a bool. */
  number(name: string): f64 {
    const f = utf8(name);
    const n = host_record_number(this.handle, changetype<usize>(f), f.byteLength, room());
    if (n < 0) {
      keep("record_number", name, n);
      return 0;
    }
    return load<f64>(room());
  }

  setNumber(name: string, v: f64): void {
    const f = utf8(name);
    const n = host_record_set_number(this.handle, changetype<usize>(f), f.byteLength, v);
    if (n < 0) keep("record_set_number", name, n);
  }

  bool(name: string): bool {
    return this.number(name) != 0;
  }

  setBool(name: string, v: bool): void {
    this.setNumber(name, v ? 1 : 0);
  }

  /** A field as JSON in UTF-8; an empty name is the whole record. */
  json(name: string): ArrayBuffer {
    const f = utf8(name);
    let n = host_record_json(this.handle, changetype<usize>(f), f.byteLength, room(), capacity());
    if (grow(n)) n = host_record_json(this.handle, changetype<usize>(f), f.byteLength, room(), capacity());
    if (n < 0) {
      keep("record_json", name, n);
      return new ArrayBuffer(0);
    }
    return bytes(n);
  }

  /** Sets a field to what it makes of a JSON value. In record.enrich a name that is no field adds a key. */
  setJSON(name: string, json: ArrayBuffer): void {
    const f = utf8(name);
    const n = host_record_set_json(this.handle, changetype<usize>(f), f.byteLength, changetype<usize>(json), json.byteLength);
    if (n < 0) keep("record_set_json", name, n);
  }

  /** The name of the record's collection. */
  get collection(): string {
    let n = host_record_collection(this.handle, room(), capacity());
    if (grow(n)) n = host_record_collection(this.handle, room(), capacity());
    if (n < 0) {
      keep("record_collection", "", n);
      return "";
    }
    return text(n);
  }

  /** The record as it is stored, null for a new one. */
  get original(): Record | null {
    const n = host_record_original(this.handle);
    if (n >= 0) return new Record(n);
    if (n != Errno.NotFound) keep("record_original", "", n);
    return null;
  }

  /** Leaves a field out of what is shown, in record.enrich. */
  hide(name: string): void {
    const f = utf8(name);
    const n = host_record_hide(this.handle, changetype<usize>(f), f.byteLength);
    if (n < 0) keep("record_hide", name, n);
  }

  /** Shows a hidden field, in record.enrich. */
  show(name: string): void {
    const f = utf8(name);
    const n = host_record_show(this.handle, changetype<usize>(f), f.byteLength);
    if (n < 0) keep("record_show", name, n);
  }

  /** Gives the record up early: a call may hold 1,024. */
  close(): void {
    host_close(this.handle);
  }
}
