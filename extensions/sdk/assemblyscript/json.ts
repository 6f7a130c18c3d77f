/** Writes one JSON value as UTF-8, into a buffer that grows. */
class Writer {
  private buf: ArrayBuffer = new ArrayBuffer(128);
  private len: i32 = 0;

  protected need(n: i32): usize {
    if (this.len + n > this.buf.byteLength) {
      const bigger = new ArrayBuffer(max(this.len + n, 2 * this.buf.byteLength));
      memory.copy(changetype<usize>(bigger), changetype<usize>(this.buf), this.len);
      this.buf = bigger;
    }
    return changetype<usize>(this.buf) + this.len;
  }

  protected byte(c: u8): void {
    store<u8>(this.need(1), c);
    this.len++;
  }

  protected copy(from: usize, n: i32): void {
    memory.copy(this.need(n), from, n);
    this.len += n;
  }

  protected ascii(s: string): void {
    for (let i = 0; i < s.length; i++) this.byte(<u8>s.charCodeAt(i));
  }

  protected comma(): void {
    if (this.len > 1) this.byte(0x2c);
  }

  /** Writes a JSON string; halves of surrogate pairs become U+FFFD. */
  protected quoted(s: string): void {
    this.byte(0x22);
    for (let i = 0; i < s.length; i++) {
      const c = s.charCodeAt(i);
      if (c == 0x22 || c == 0x5c) {
        this.byte(0x5c);
        this.byte(<u8>c);
      } else if (c < 0x20) {
        this.ascii("\\u00");
        this.byte(<u8>(0x30 + (c >> 4)));
        this.byte(<u8>((c & 15) < 10 ? 0x30 + (c & 15) : 0x57 + (c & 15)));
      } else if (c < 0x80) {
        this.byte(<u8>c);
      } else {
        const point = s.codePointAt(i);
        if (point > 0xffff) i++;
        this.rune(point >= 0xd800 && point < 0xe000 ? 0xfffd : point);
      }
    }
    this.byte(0x22);
  }

  /** Writes a character beyond ASCII. */
  private rune(c: i32): void {
    if (c < 0x800) {
      this.byte(<u8>(0xc0 | (c >> 6)));
    } else {
      if (c < 0x10000) {
        this.byte(<u8>(0xe0 | (c >> 12)));
      } else {
        this.byte(<u8>(0xf0 | (c >> 18)));
        this.byte(<u8>(0x80 | ((c >> 12) & 0x3f)));
      }
      this.byte(<u8>(0x80 | ((c >> 6) & 0x3f)));
    }
    this.byte(<u8>(0x80 | (c & 0x3f)));
  }

  protected double(v: f64): void {
    this.ascii(isFinite(v) ? v.toString() : "null");
  }

  protected raw(json: ArrayBuffer): void {
    this.copy(changetype<usize>(json), json.byteLength);
  }

  protected closed(c: u8): ArrayBuffer {
    store<u8>(this.need(1), c);
    return this.buf.slice(0, this.len + 1);
  }
}

/** Writes a JSON object, key by key. */
export class JSONObject extends Writer {
  constructor() {
    super();
    this.byte(0x7b);
  }

  private key(key: string): void {
    this.comma();
    this.quoted(key);
    this.byte(0x3a);
  }

  text(key: string, v: string): JSONObject {
    this.key(key);
    this.quoted(v);
    return this;
  }

  int(key: string, v: i64): JSONObject {
    this.key(key);
    this.ascii(v.toString());
    return this;
  }

  /** What JSON cannot express (NaN, infinities) becomes null. */
  number(key: string, v: f64): JSONObject {
    this.key(key);
    this.double(v);
    return this;
  }

  bool(key: string, v: bool): JSONObject {
    this.key(key);
    this.ascii(v ? "true" : "false");
    return this;
  }

  null(key: string): JSONObject {
    this.key(key);
    this.ascii("null");
    return this;
  }

  /** A value that is JSON already: of another writer. */
  put(key: string, json: ArrayBuffer): JSONObject {
    this.key(key);
    this.raw(json);
    return this;
  }

  /** The text as UTF-8. */
  json(): ArrayBuffer {
    return this.closed(0x7d);
  }
}

/** Writes a JSON array. */
export class JSONArray extends Writer {
  constructor() {
    super();
    this.byte(0x5b);
  }

  text(v: string): JSONArray {
    this.comma();
    this.quoted(v);
    return this;
  }

  int(v: i64): JSONArray {
    this.comma();
    this.ascii(v.toString());
    return this;
  }

  /** What JSON cannot express (NaN, infinities) becomes null. */
  number(v: f64): JSONArray {
    this.comma();
    this.double(v);
    return this;
  }

  bool(v: bool): JSONArray {
    this.comma();
    this.ascii(v ? "true" : "false");
    return this;
  }

  null(): JSONArray {
    this.comma();
    this.ascii("null");
    return this;
  }

  /** A value that is JSON already: of another writer. */
  put(json: ArrayBuffer): JSONArray {
    this.comma();
    this.raw(json);
    return this;
  }

  /** The text as UTF-8. */
  json(): ArrayBuffer {
    return this.closed(0x5d);
  }
}
