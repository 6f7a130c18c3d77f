// Uses all of the SDK, so that the tests can see it work.
import {
  allowCollections, allowSQL, asCaller, asExtension, Errno, Event, GET, JSONArray, JSONObject, Level, log, name, now, on, onRecordCreate, onRecordEnrich, POST,
  onRecordUpdate, Query, random, reject, Request, require, sql, takeError, transaction,
} from "../../../sdk/assemblyscript";
export { alloc, handle } from "../../../sdk/assemblyscript";

name("tour", "1.2.3");
allowCollections(["notes"]);
allowSQL();
require(["transactions", "pass_on", "transactions"]);
onRecordCreate(before, ["notes"]).after(after).priority(7);
on("record.update.error", (e: Event): void => log(Level.Warning, "failed: " + e.failure));
onRecordEnrich((e: Event): void => {
  e.record.hide("secret");
  e.record.show("hidden");
  e.record.setJSON("extra", new JSONArray().int(1).text("x").json());
}, ["notes"]);
on("bootstrap", (e: Event): void => log(Level.Info, "up"));
onRecordUpdate((e: Event): void => {}).atomic(false);
on("record.create.success", (e: Event): void => log(Level.Info, "call " + e.callID));
POST("/tour/{name}", tour).for("record");
GET("/teapot", (r: Request): void => reject(418, "I am one."));
GET("/missing", (r: Request): void => {
  if (!asCaller.find("notes", "nothing")) reject(404, "");
});
GET("/broken", (r: Request): void => {
  assert(false, "broken");
});
GET("/taboo", taboo);

/** Writes a note in a transaction, and in another one a note that is refused. */
function taboo(r: Request): void {
  if (transaction(createNote, "fine")) transaction(createNote, "taboo");
}

function createNote(title: string): void {
  asExtension.create("notes", new JSONObject().text("id", title).text("title", title));
}

function before(e: Event): void {
  const r = e.record;
  r.text("nothing");
  const missing = takeError();
  if (!missing || missing.errno != Errno.NotFound || r.original) {
    reject(500, "A field or an original that is not there.");
    return;
  }
  const title = r.text("title");
  r.setNumber("count", r.number("count") + 0.5);
  r.setBool("done", !r.bool("done"));
  r.setText("from", r.collection);
  r.setJSON("copy", new JSONObject().text("title", title).json());
  const request = e.request;
  if (request) r.setText("method", request.method);
  e.state = String.UTF8.encode("state of " + title);
}

function after(e: Event): void {
  const state = e.state;
  if (state) log(Level.Info, String.UTF8.decode(state));
}

function tour(r: Request): void {
  random(new Uint8Array(8));
  if (now() < 1_700_000_000_000) {
    reject(500, "No time.");
    return;
  }
  const made = asExtension.create("notes", new JSONObject().text("id", "n1").text("title", r.param("name")).int("count", 3));
  if (!made) return;
  asExtension.update("notes", made.id, new JSONObject().text("title", r.query("q")));
  const found = asExtension.find("notes", "n1");
  if (!found) return;
  const titles = new JSONArray();
  const query = new Query();
  query.filter = "title = {:t}";
  query.params = new JSONObject().text("t", "x");
  query.sort = "-title";
  query.limit = 5;
  const rows = asExtension.list("notes", query);
  while (rows.next()) titles.text(rows.record.text("title"));
  rows.close();
  const values = new JSONArray();
  const selected = sql("SELECT ?", new JSONArray().int(42).json());
  while (selected.next()) values.put(selected.row());
  const title = found.json("title");
  asExtension.delete("notes", "n1");
  asExtension.find("users", "u1");
  const forbidden = takeError();
  r.setHeader("X-Tour", r.header("X-Tour"));
  const auth = r.auth;
  if (!auth) return;
  r.json(201, new JSONObject().put("record", title).put("titles", titles.json()).put("rows", values.json()).int("affected", selected.affected)
    .bool("forbidden", forbidden != null && forbidden.errno == Errno.Forbidden).text("auth", auth.text("title")).bool("superuser", r.isSuperuser)
    .text("deep", r.bodyText.includes("deep") ? "deep" : "").text("path", r.path).text("address", r.address).text("uri", r.uri).text("situation", r.situation));
}
