//! An extension by which an order takes what it sells out of the stock: many can be placed at once and none sells what is not there. It
//! shows hooks in one transaction with the write, and a route with a transaction of its own.
//!
//! Collections: products (name, stock), orders (product, qty), audit (what, rec, by).
const std = @import("std");
const troupe = @import("troupe.zig");
const Error = troupe.Error;
const Record = troupe.Record;

/// What the host is told first, see "The description" of abi.md. The positions of hooks and routes are those in dispatch.
const description =
    \\{
    \\  "name": "shop-zig",
    \\  "version": "1.0.0",
    \\  "requires": ["atomic", "transactions"],
    \\  "hooks": [
    \\    {"event": "record.create", "collections": ["orders"], "atomic": true},
    \\    {"event": "record.create.success", "collections": ["orders"]}
    \\  ],
    \\  "routes": [
    \\    {"method": "POST", "path": "/shop/basket", "auth": "record"},
    \\    {"method": "GET", "path": "/shop/{kind}/top", "auth": "record"}
    \\  ],
    \\  "permissions": {"collections": ["products", "orders", "audit"], "sql": true}
    \\}
;

/// Room for bytes of the host's, until handle returns.
export fn alloc(size: usize) ?[*]u8 {
    const room = troupe.memory().alignedAlloc(u8, .@"8", size) catch return null;
    return room.ptr;
}

export fn handle(op: troupe.Op, index: u32, _: usize, _: usize) u64 {
    return troupe.serve(dispatch, op, index);
}

fn dispatch(op: troupe.Op, index: u32) Error![]const u8 {
    switch (op) {
        .describe => return description,
        .before => switch (index) {
            0 => try takeStock(.of_event),
            1 => try audit(.of_event),
            else => return error.Invalid,
        },
        .route => return switch (index) {
            0 => basket(),
            1 => top(),
            else => error.Invalid,
        },
        else => return error.Invalid,
    }
    return "";
}

/// Takes an order's goods out of the stock. The hook is atomic: nobody else changes the stock between find and update, and when the order
/// is refused afterwards, by a check of the collection or another hook, the stock is as it was. Whether qty is a number that makes sense is
/// for the collection to check.
fn takeStock(order: Record) Error!void {
    const id = try order.text("product");
    const qty = try order.number("qty");
    const product = troupe.Authority.extension.find("products", id) catch |err| switch (err) {
        error.NotFound => return troupe.rejectField("product", "validation_missing", "There is no such product."),
        else => return err,
    };
    const stock = try product.number("stock");
    if (stock < qty) {
        const message = try std.fmt.allocPrint(troupe.memory(), "Only {d} left.", .{stock});
        return troupe.rejectField("qty", "validation_out_of_stock", message);
    }
    try troupe.Authority.extension.update("products", id, .{ .stock = stock - qty });
}

/// Notes who placed an order, once it is committed.
fn audit(order: Record) Error!void {
    const by = if (try troupe.auth()) |who| try who.text("id") else "";
    _ = try troupe.Authority.extension.create("audit", .{ .what = "create orders", .rec = try order.text("id"), .by = by });
}

/// How many orders a basket has at most: other writers wait while it is placed.
const max_basket = 50;

/// An order of a basket, with whatever its fields are: the checks of orders look at them.
const Item = struct { product: std.json.Value = .null, qty: std.json.Value = .null };

/// Places the orders of a list, all of them or none. Each is created as whoever asks, so the rules of orders hold; a product that is sold
/// out is answered as its order alone would be.
fn basket() Error![]const u8 {
    const body = try troupe.request(.body, "");
    const items = std.json.parseFromSliceLeaky([]Item, troupe.memory(), body, .{ .ignore_unknown_fields = true }) catch return noBasket();
    if (items.len < 1 or items.len > max_basket) return noBasket();
    var placed: [max_basket][]const u8 = undefined;
    var transaction = try troupe.Transaction.begin();
    errdefer transaction.rollback();
    for (items, placed[0..items.len]) |item, *id| {
        const order = try troupe.Authority.caller.create("orders", item);
        id.* = try order.text("id");
    }
    try transaction.commit();
    return troupe.json(.{ .orders = placed[0..items.len] });
}

fn noBasket() Error {
    return troupe.reject(400, std.fmt.comptimePrint("The basket has to be a list of 1 to {d} orders.", .{max_basket}));
}

/// Lists the products whose name begins with kind, those ordered most first, each as [id, name, stock, ordered].
fn top() Error![]const u8 {
    const asked = std.fmt.parseInt(u8, try troupe.request(.query, "limit"), 10) catch 0;
    const limit = if (asked >= 1 and asked <= 100) asked else 10;
    const rows = try troupe.sql(
        \\SELECT p.id, p.name, p.stock, COALESCE(SUM(o.qty), 0) AS ordered
        \\FROM products p LEFT JOIN orders o ON o.product = p.id
        \\WHERE SUBSTR(p.name, 1, LENGTH(:kind)) = :kind
        \\GROUP BY p.id ORDER BY ordered DESC, p.name LIMIT :limit
    , .{ .kind = try troupe.request(.param, "kind"), .limit = limit });
    var items: std.ArrayList(u8) = .empty;
    while (try rows.next()) |row| {
        if (items.items.len > 0) try items.append(troupe.memory(), ',');
        try items.appendSlice(troupe.memory(), row);
    }
    const by = if (try troupe.auth()) |who| try who.text("id") else "";
    return std.fmt.allocPrint(troupe.memory(), "{{\"by\":{s},\"items\":[{s}]}}", .{ try troupe.json(by), items.items });
}
