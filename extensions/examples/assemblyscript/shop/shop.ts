// An extension by which an order takes what it sells out of the stock: many can be placed at once and none sells what is not there. It
// shows hooks in one transaction with the write, and a route with a transaction of its own.
//
// Collections: products (name, stock), orders (product, qty), audit (what, rec, by).
import {
  allowCollections, allowSQL, asCaller, asExtension, Errno, Event, GET, JSONArray, JSONObject, name, on, onRecordCreate, pendingError, POST, reject, rejectField,
  Request, require, sql, transaction,
} from "../../../sdk/assemblyscript";
export { alloc, handle } from "../../../sdk/assemblyscript";

/** How many orders a basket has at most: other writers wait while it is placed. */
const maxBasket = 50;

name("shop-as", "1.0.0");
require(["transactions"]);
allowCollections(["products", "orders", "audit"]);
allowSQL();
onRecordCreate(takeStock, ["orders"]);
on("record.create.success", audit, ["orders"]);
POST("/shop/basket", placeBasket).for("record");
GET("/shop/{kind}/top", top).for("record");

/**
 * Takes an order's goods out of the stock. The hook is atomic, as this extension may reach data: nobody else changes the stock between find
 * and update, and when the order is refused afterwards, by a check of the collection or another hook, the stock is as it was. Whether qty
 * is a number that makes sense is for the collection to check.
 */
function takeStock(e: Event): void {
  const id = e.record.text("product");
  const qty = e.record.number("qty");
  const product = asExtension.find("products", id);
  if (!product) {
    if (!pendingError()) rejectField("product", "validation_missing", "There is no such product.");
    return;
  }
  const stock = product.number("stock");
  if (stock < qty) {
    rejectField("qty", "validation_out_of_stock", "Only " + product.text("stock") + " left.");
    return;
  }
  asExtension.update("products", id, new JSONObject().number("stock", stock - qty));
}

/** Notes who placed an order, once it is committed. */
function audit(e: Event): void {
  let by = "";
  const request = e.request;
  if (request) {
    const who = request.auth;
    if (who) by = who.id;
  }
  asExtension.create("audit", new JSONObject().text("what", "create orders").text("rec", e.record.id).text("by", by));
}

/** The orders of a basket: what was asked for, and the ids of what was placed. */
class Basket {
  placed: JSONArray = new JSONArray();
  constructor(public items: string[]) {}
}

/** Places the orders of a list, all of them or none; a product that is sold out is answered as its order alone would be. */
function placeBasket(r: Request): void {
  const items = split(r.bodyText);
  if (items.length == 0 || items.length > maxBasket) {
    noBasket();
    return;
  }
  const basket = new Basket(items);
  if (transaction(place, basket)) r.json(200, new JSONObject().put("orders", basket.placed.json()));
}

/** Creates each order as whoever asks, so the rules of orders hold. */
function place(basket: Basket): void {
  for (let i = 0; i < basket.items.length; i++) {
    const order = asCaller.createJSON("orders", String.UTF8.encode(basket.items[i]));
    if (!order) {
      const e = pendingError();
      if (e && e.errno == Errno.Invalid) noBasket();
      return; // what else it was is passed on
    }
    basket.placed.text(order.id);
  }
}

function noBasket(): void {
  reject(400, "The basket has to be a list of 1 to " + maxBasket.toString() + " orders.");
}

/** The elements of a JSON array, none if it is not one. Each is whatever stands between two commas: whether it is an order, the host looks at. */
function split(json: string): string[] {
  const list = json.trim();
  const items: string[] = [];
  if (!list.startsWith("[") || !list.endsWith("]")) return items;
  let depth = 0;
  let quoted = false;
  let from = 1;
  for (let i = 1; i < list.length; i++) {
    const c = list.charCodeAt(i);
    if (quoted && c == 0x5c) i++; // a backslash
    else if (c == 0x22) quoted = !quoted;
    else if (quoted) continue;
    else if (c == 0x7b || c == 0x5b) depth++;
    else if (depth > 0 && (c == 0x7d || c == 0x5d)) depth--;
    else if (depth == 0 && (c == 0x2c || i == list.length - 1)) {
      if (i == from) return [];
      items.push(list.substring(from, i));
      from = i + 1;
    }
  }
  return from == list.length ? items : [];
}

/** Lists the products whose name begins with kind, those ordered most first, each as [id, name, stock, ordered]. */
function top(r: Request): void {
  let limit = I32.parseInt(r.query("limit"));
  if (limit < 1 || limit > 100) limit = 10;
  const rows = sql(
    `SELECT p.id, p.name, p.stock, COALESCE(SUM(o.qty), 0) AS ordered
      FROM products p LEFT JOIN orders o ON o.product = p.id
      WHERE SUBSTR(p.name, 1, LENGTH(:kind)) = :kind
      GROUP BY p.id ORDER BY ordered DESC, p.name LIMIT :limit`,
    new JSONObject().text("kind", r.param("kind")).int("limit", limit).json(),
  );
  const items = new JSONArray();
  while (rows.next()) items.put(rows.row());
  const who = r.auth;
  r.json(200, new JSONObject().text("by", who ? who.id : "").put("items", items.json()));
}
