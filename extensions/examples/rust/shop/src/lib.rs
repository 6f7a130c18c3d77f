//! An extension by which an order takes what it sells out of the stock: many can be placed at once and none sells what is not there. It
//! shows hooks in one transaction with the write, and a route with a transaction of its own. [`troupe`] wraps the ABI.
//!
//! Collections: products (name, stock), orders (product, qty), audit (what, rec, by).

mod json;
mod troupe;

use troupe::{Errno, Failure, Outcome, Record, Refusal, CALLER, EXTENSION};

/// What the host is told first, see "The description" of abi.md. The positions of hooks and routes are those in [`dispatch`].
const DESCRIPTION: &str = r#"{
  "name": "shop-rust",
  "version": "1.0.0",
  "requires": ["atomic", "transactions"],
  "hooks": [
    {"event": "record.create", "collections": ["orders"], "atomic": true},
    {"event": "record.create.success", "collections": ["orders"]}
  ],
  "routes": [
    {"method": "POST", "path": "/shop/basket", "auth": "record"},
    {"method": "GET", "path": "/shop/{kind}/top", "auth": "record"}
  ],
  "permissions": {"collections": ["products", "orders", "audit"], "sql": true}
}"#;

/// How many orders a basket has at most: other writers wait while it is placed.
const MAX_BASKET: usize = 50;

/// Does one thing that the host asks for, and gives what it gets back.
fn dispatch(op: troupe::Op, index: u32) -> Outcome<String> {
    match (op, index) {
        (troupe::Op::Describe, _) => Ok(DESCRIPTION.to_string()),
        (troupe::Op::Before, 0) => take_stock(&Record::of_event()),
        (troupe::Op::Before, 1) => audit(&Record::of_event()),
        (troupe::Op::Route, 0) => basket(),
        (troupe::Op::Route, 1) => top(),
        _ => Ok(String::new()),
    }
}

/// Takes an order's goods out of the stock. The hook is atomic: nobody else changes the stock between find and update, and when the order
/// is refused afterwards, by a check of the collection or another hook, the stock is as it was. Whether qty is a number that makes sense is
/// for the collection to check.
fn take_stock(order: &Record) -> Outcome<String> {
    let id = order.text("product")?;
    let qty = order.number("qty")?;
    let product = match EXTENSION.find("products", &id) {
        Err(Failure::Host { errno: Errno::NotFound, .. }) => {
            return Err(Refusal::field("product", "validation_missing", "There is no such product.").into());
        }
        found => found?,
    };
    let stock = product.number("stock")?;
    if stock < qty {
        let message = format!("Only {stock} left.");
        return Err(Refusal::field("qty", "validation_out_of_stock", &message).into());
    }
    EXTENSION.update("products", &id, &format!(r#"{{"stock":{}}}"#, stock - qty))?;
    Ok(String::new())
}

/// Notes who placed an order, once it is committed.
fn audit(order: &Record) -> Outcome<String> {
    let by = match troupe::auth()? {
        Some(who) => who.text("id")?,
        None => String::new(),
    };
    let row = format!(r#"{{"what":"create orders","rec":{},"by":{}}}"#, json::text(&order.text("id")?), json::text(&by));
    EXTENSION.create("audit", &row)?;
    Ok(String::new())
}

/// Places the orders of a list, all of them or none. Each is created as whoever asks, so the rules of orders hold; a product that is sold
/// out is answered as its order alone would be.
fn basket() -> Outcome<String> {
    let body = troupe::request(troupe::Part::Body, "")?;
    let items = match json::elements(&body) {
        Some(items) if (1..=MAX_BASKET).contains(&items.len()) => items,
        _ => return Err(no_basket()),
    };
    let transaction = troupe::Transaction::begin()?; // rolled back where it is dropped without a commit
    let mut placed = Vec::with_capacity(items.len());
    for item in items {
        let order = match CALLER.create("orders", item) {
            Err(Failure::Host { errno: Errno::Invalid, .. }) => return Err(no_basket()),
            created => created?,
        };
        placed.push(json::text(&order.text("id")?));
    }
    transaction.commit()?;
    Ok(format!(r#"{{"orders":[{}]}}"#, placed.join(",")))
}

fn no_basket() -> Failure {
    Refusal::status(400, &format!("The basket has to be a list of 1 to {MAX_BASKET} orders.")).into()
}

/// Lists the products whose name begins with kind, those ordered most first, each as [id, name, stock, ordered].
fn top() -> Outcome<String> {
    let limit = troupe::request(troupe::Part::Query, "limit")?.parse().ok().filter(|n| (1..=100).contains(n)).unwrap_or(10);
    let kind = json::text(&troupe::request(troupe::Part::Param, "kind")?);
    let rows = troupe::sql(
        "SELECT p.id, p.name, p.stock, COALESCE(SUM(o.qty), 0) AS ordered
         FROM products p LEFT JOIN orders o ON o.product = p.id
         WHERE SUBSTR(p.name, 1, LENGTH(:kind)) = :kind
         GROUP BY p.id ORDER BY ordered DESC, p.name LIMIT :limit",
        &format!(r#"{{"kind":{kind},"limit":{limit}}}"#),
    )?;
    let items = rows.collect::<Outcome<Vec<String>>>()?;
    let by = match troupe::auth()? {
        Some(who) => who.text("id")?,
        None => String::new(),
    };
    Ok(format!(r#"{{"by":{},"items":[{}]}}"#, json::text(&by), items.join(",")))
}
