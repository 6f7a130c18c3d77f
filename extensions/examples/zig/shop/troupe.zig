//! What the shop needs of the ABI, as extensions/abi.md describes it.
const std = @import("std");

/// The host's functions, named as in abi.md. They look at the memory they are given only until they return.
const host = struct {
    extern "troupe_1" fn error_message(buf: [*]u8, cap: usize) i32;
    extern "troupe_1" fn error_status() i32;
    extern "troupe_1" fn log(level: i32, ptr: [*]const u8, len: usize) i32;
    extern "troupe_1" fn record_text(h: i32, name: [*]const u8, nlen: usize, buf: [*]u8, cap: usize) i32;
    extern "troupe_1" fn record_number(h: i32, name: [*]const u8, nlen: usize, out: *f64) i32;
    extern "troupe_1" fn find(as: i32, coll: [*]const u8, clen: usize, id: [*]const u8, idlen: usize) i32;
    extern "troupe_1" fn create(as: i32, coll: [*]const u8, clen: usize, ptr: [*]const u8, len: usize) i32;
    extern "troupe_1" fn update(as: i32, coll: [*]const u8, clen: usize, id: [*]const u8, idlen: usize, ptr: [*]const u8, len: usize) i32;
    extern "troupe_1" fn sql(ptr: [*]const u8, len: usize, params: [*]const u8, plen: usize) i32;
    extern "troupe_1" fn rows_next(rows: i32) i32;
    extern "troupe_1" fn rows_json(rows: i32, buf: [*]u8, cap: usize) i32;
    extern "troupe_1" fn transaction_begin() i32;
    extern "troupe_1" fn transaction_commit() i32;
    extern "troupe_1" fn transaction_rollback() i32;
    extern "troupe_1" fn request(part: i32, name: [*]const u8, nlen: usize, buf: [*]u8, cap: usize) i32;
    extern "troupe_1" fn auth() i32;
    extern "troupe_1" fn reject(status: i32, ptr: [*]const u8, len: usize) i32;
    extern "troupe_1" fn reject_field(name: [*]const u8, nlen: usize, code: [*]const u8, clen: usize, msg: [*]const u8, mlen: usize) i32;
    extern "troupe_1" fn pass_on() i32;
};

/// Why a call comes to nothing: a failure of the host, as abi.md names them, or the extension's own no.
pub const Error = error{ Invalid, NotFound, Forbidden, Failed, Busy, Limit, Context, Internal, Refused, OutOfMemory };

fn check(result: i32) Error!i32 {
    return switch (result) {
        std.math.minInt(i32)...-8 => error.Internal,
        -7 => error.Context,
        -6 => error.Limit,
        -5 => error.Busy,
        -4 => error.Failed,
        -3 => error.Forbidden,
        -2 => error.NotFound,
        -1 => error.Invalid,
        else => result,
    };
}

// All memory of a call ends together: when the first piece of the next call is asked for, as the host copies what it is given before that.
var arena: std.heap.ArenaAllocator = .init(std.heap.wasm_allocator);
var ended = false;

/// How much memory an instance keeps from one call to the next.
const kept_memory = 64 * 1024;

/// Memory that lasts until the call has ended.
pub fn memory() std.mem.Allocator {
    if (ended) {
        _ = arena.reset(.{ .retain_with_limit = kept_memory });
        ended = false;
    }
    return arena.allocator();
}

/// Lets the host fill in a value, a second time if there was too little room.
fn fill(context: anytype) Error![]const u8 {
    var buf = try memory().alloc(u8, 256);
    while (true) {
        const size: usize = @intCast(try check(context.call(buf.ptr, buf.len)));
        if (size <= buf.len) return buf[0..size];
        buf = try memory().alloc(u8, size);
    }
}

/// A record of the server, valid until the call has ended.
pub const Record = struct {
    handle: i32,

    /// The record that a hook is about.
    pub const of_event: Record = .{ .handle = 1 };

    /// A field as text.
    pub fn text(record: Record, name: []const u8) Error![]const u8 {
        return fill(struct {
            handle: i32,
            name: []const u8,
            fn call(c: @This(), buf: [*]u8, cap: usize) i32 {
                return host.record_text(c.handle, c.name.ptr, c.name.len, buf, cap);
            }
        }{ .handle = record.handle, .name = name });
    }

    /// A number field.
    pub fn number(record: Record, name: []const u8) Error!f64 {
        var value: f64 = 0;
        _ = try check(host.record_number(record.handle, name.ptr, name.len, &value));
        return value;
    }
};

/// Under whose rules data is reached: of whoever makes the request, or none but the permissions of the description.
pub const Authority = enum(i32) {
    caller = 0,
    extension = 1,

    /// A record by its id.
    pub fn find(as: Authority, collection: []const u8, id: []const u8) Error!Record {
        return .{ .handle = try check(host.find(@backingInt(as), collection.ptr, collection.len, id.ptr, id.len)) };
    }

    /// Creates a record from what can be written as a JSON object; hooks fire for it.
    pub fn create(as: Authority, collection: []const u8, values: anytype) Error!Record {
        const body = try json(values);
        return .{ .handle = try check(host.create(@backingInt(as), collection.ptr, collection.len, body.ptr, body.len)) };
    }

    /// Changes a record; hooks fire for it.
    pub fn update(as: Authority, collection: []const u8, id: []const u8, values: anytype) Error!void {
        const body = try json(values);
        _ = try check(host.update(@backingInt(as), collection.ptr, collection.len, id.ptr, id.len, body.ptr, body.len));
    }
};

/// A value as JSON.
pub fn json(value: anytype) Error![]const u8 {
    return std.json.Stringify.valueAlloc(memory(), value, .{});
}

/// The rows of a statement, each as a JSON array.
pub const Rows = struct {
    handle: i32,

    pub fn next(rows: Rows) Error!?[]const u8 {
        if (try check(host.rows_next(rows.handle)) == 0) return null;
        return try fill(struct {
            handle: i32,
            fn call(c: @This(), buf: [*]u8, cap: usize) i32 {
                return host.rows_json(c.handle, buf, cap);
            }
        }{ .handle = rows.handle });
    }
};

/// Runs one statement; the fields of params are its parameters.
pub fn sql(statement: []const u8, params: anytype) Error!Rows {
    const body = try json(params);
    return .{ .handle = try check(host.sql(statement.ptr, statement.len, body.ptr, body.len)) };
}

/// A transaction of a route; other writers wait until it ends. Follow begin with `errdefer transaction.rollback()`.
pub const Transaction = struct {
    open: bool,

    pub fn begin() Error!Transaction {
        _ = try check(host.transaction_begin());
        return .{ .open = true };
    }

    /// Writes what was done in it. Nothing of it was written where that fails.
    pub fn commit(transaction: *Transaction) Error!void {
        transaction.open = false;
        _ = try check(host.transaction_commit());
    }

    /// Takes back what was done in it, unless it has ended.
    pub fn rollback(transaction: *Transaction) void {
        if (transaction.open) _ = host.transaction_rollback();
        transaction.open = false;
    }
};

/// A part of the request, by the number that abi.md gives it.
pub const Part = enum(i32) { param = 2, query = 3, body = 5 };

/// A part of the request; what it does not have is empty.
pub fn request(part: Part, name: []const u8) Error![]const u8 {
    return fill(struct {
        part: Part,
        name: []const u8,
        fn call(c: @This(), buf: [*]u8, cap: usize) i32 {
            return host.request(@backingInt(c.part), c.name.ptr, c.name.len, buf, cap);
        }
    }{ .part = part, .name = name }) catch |err| if (err == error.NotFound) "" else err;
}

/// The record that is signed in. There is none for a guest, or where a hook has no request.
pub fn auth() Error!?Record {
    const handle = check(host.auth()) catch |err| return switch (err) {
        error.NotFound, error.Context => null,
        else => err,
    };
    return .{ .handle = handle };
}

/// Ends what is under way with a status and a message for the client.
pub fn reject(status: i32, message: []const u8) Error {
    _ = try check(host.reject(status, message.ptr, message.len));
    return error.Refused;
}

/// Refuses the value of a field, as validation does. Code is for programs, message for people.
pub fn rejectField(name: []const u8, code: []const u8, message: []const u8) Error {
    _ = try check(host.reject_field(name.ptr, name.len, code.ptr, code.len, message.ptr, message.len));
    return error.Refused;
}

pub const Op = enum(i32) { describe = 0, before = 1, after = 2, route = 3, _ };

/// What the extension does for the host, and gives back.
pub const Dispatch = fn (op: Op, index: u32) Error![]const u8;

/// Does what the host asks for. The result is packed as abi.md says.
pub fn serve(dispatch: Dispatch, op: Op, index: u32) u64 {
    const answer = dispatch(op, index) catch |err| refuse: {
        refuse(err, op);
        break :refuse "";
    };
    ended = true;
    return if (answer.len == 0) 0 else @as(u64, @intFromPtr(answer.ptr)) << 32 | answer.len;
}

/// Ends what is under way because of an error: as what refused the last host call said, or else with a status that fits; then the host's
/// text is for the log.
fn refuse(err: Error, op: Op) void {
    if (err == error.Refused) return;
    if (err == refusedAs(host.error_status()) and host.pass_on() >= 0) return;
    const log_error = 8;
    const message = lastMessage() catch @errorName(err);
    _ = host.log(log_error, message.ptr, message.len);
    const status: i32 = switch (err) {
        error.NotFound => if (op == .route) 404 else 500, // in a hook it is a mistake of the extension's
        error.Forbidden => 403,
        error.Failed => 400,
        error.Busy => 503,
        else => 500,
    };
    _ = host.reject(status, "", 0);
}

/// The error of a host call that was refused with a status; 0 is no refusal, but perhaps a lack of room or time.
fn refusedAs(status: i32) Error {
    return switch (status) {
        0 => error.Busy,
        401, 403 => error.Forbidden,
        404 => error.NotFound,
        else => error.Failed,
    };
}

fn lastMessage() Error![]const u8 {
    return fill(struct {
        fn call(_: @This(), buf: [*]u8, cap: usize) i32 {
            return host.error_message(buf, cap);
        }
    }{});
}
