// Walks through the API with the official JavaScript client, as its users' programs do.
// usage: node client.mjs [path of the server's binary]
import assert from "node:assert/strict";
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EventSource } from "eventsource";
import PocketBase from "pocketbase";
import { inbox, rejectsWith, runAll, test } from "./check.mjs";
import { mailTests } from "./mailflows.mjs";
import { walkOAuth2 } from "./oauth2.mjs";
import { startServer, superuser } from "./server.mjs";
import { startMailServer } from "./smtp.mjs";

globalThis.EventSource = EventSource; // Node has none of its own

const slugs = (language, name) => `../extensions/examples/${language}/slugs/slugs-${name}.wasm`;
const server = await startServer(process.argv[2] ?? "../bin/troupe", { extensions: [slugs("go", "go")] });
const mail = await startMailServer();
const newClient = () => {
  const client = new PocketBase(server.url);
  client.autoCancellation(false);
  return client;
};

const root = newClient();
const guest = newClient();
const ann = newClient();
const bob = newClient();
const state = {};

test("health", async () => {
  const health = await guest.health.check();
  assert.equal(health.code, 200);
  assert.equal(health.message, "API is healthy.");
});

test("a wrong password is refused", async () => {
  const answer = await rejectsWith(400, root.collection("_superusers").authWithPassword(superuser.email, "wrong-password"));
  assert.equal(answer.message, "Failed to authenticate.");
});

test("the superuser signs in", async () => {
  const auth = await root.collection("_superusers").authWithPassword(superuser.email, superuser.password);
  assert.equal(auth.record.email, superuser.email);
  assert.ok(root.authStore.isValid);
  assert.ok(root.authStore.isSuperuser);
});

test("collections are created, one related to the other", async () => {
  state.posts = await root.collections.create({
    name: "posts",
    type: "base",
    listRule: "published = true || author = @request.auth.id",
    viewRule: "published = true || author = @request.auth.id",
    createRule: "@request.auth.id != '' && author = @request.auth.id",
    updateRule: "author = @request.auth.id",
    deleteRule: "author = @request.auth.id",
    fields: [
      { name: "title", type: "text", required: true, max: 80 },
      { name: "slug", type: "text" },
      { name: "views", type: "number", onlyInt: true, min: 0 },
      { name: "published", type: "bool" },
      { name: "homepage", type: "url" },
      { name: "contact", type: "email" },
      { name: "on", type: "date" },
      { name: "labels", type: "select", values: ["red", "green", "blue"], maxSelect: 2 },
      { name: "extra", type: "json" },
      { name: "author", type: "relation", collectionId: "_pb_users_auth_", maxSelect: 1 },
      { name: "created", type: "autodate", onCreate: true },
      { name: "updated", type: "autodate", onCreate: true, onUpdate: true },
    ],
  });
  state.comments = await root.collections.create({
    name: "comments",
    type: "base",
    listRule: "",
    viewRule: "",
    createRule: "@request.auth.id != ''",
    fields: [
      { name: "text", type: "text" },
      { name: "post", type: "relation", collectionId: state.posts.id, maxSelect: 1, cascadeDelete: true, required: true },
    ],
  });
  const all = await root.collections.getFullList();
  assert.ok(all.some((c) => c.name === "posts") && all.some((c) => c.name === "comments"));
});

test("a broken collection shows errors beside its properties", async () => {
  const answer = await rejectsWith(400, root.collections.create({ name: "posts", type: "base", listRule: "nope = 1" }));
  assert.equal(answer.data.name.code, "validation_collection_name_exists");
  assert.equal(answer.data.listRule.code, "validation_invalid_rule");
});

test("a guest may not touch collections", async () => {
  await rejectsWith(401, guest.collections.getFullList());
});

test("users sign up and sign in", async () => {
  for (const [client, name] of [[ann, "ann"], [bob, "bob"]]) {
    await guest.collection("users").create({ email: `${name}@example.com`, password: "correct horse", passwordConfirm: "correct horse", name });
    const auth = await client.collection("users").authWithPassword(`${name}@example.com`, "correct horse");
    assert.equal(auth.record.name, name);
    state[name] = auth.record;
  }
});

test("sign-up shows the errors of a form", async () => {
  const answer = await rejectsWith(400, guest.collection("users").create({ email: "ann@example.com", password: "short", passwordConfirm: "other" }));
  assert.equal(answer.data.passwordConfirm.code, "validation_values_mismatch");
});

test("a taken address is reported at its field", async () => {
  const answer = await rejectsWith(400, guest.collection("users").create({ email: "ann@example.com", password: "correct horse", passwordConfirm: "correct horse" }));
  assert.equal(answer.data.email.code, "validation_not_unique");
});

test("a token is refreshed", async () => {
  const auth = await ann.collection("users").authRefresh();
  assert.equal(auth.record.id, state.ann.id);
});

walkOAuth2({ server, root, newClient });

test("records are created", async () => {
  state.first = await ann.collection("posts").create({
    title: "First & <best>", views: 1, published: true, homepage: "https://example.com", contact: "a@example.com",
    on: "2026-01-02 03:04:05.678Z", labels: ["red", "blue"], extra: { deep: [1, "two"] }, author: state.ann.id,
  });
  assert.equal(state.first.title, "First & <best>");
  assert.equal(state.first.on, "2026-01-02 03:04:05.678Z");
  assert.deepEqual(state.first.labels, ["red", "blue"]);
  assert.deepEqual(state.first.extra, { deep: [1, "two"] });
  assert.match(state.first.created, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z$/);
  state.draft = await ann.collection("posts").create({ title: "Draft", author: state.ann.id });
  state.comment = await bob.collection("comments").create({ text: "well said", post: state.first.id });
});

test("a form's errors stand beside its fields", async () => {
  const answer = await rejectsWith(400, ann.collection("posts").create({
    author: state.ann.id, views: -1, homepage: "no url", contact: "no address", labels: ["red", "green", "blue"],
  }));
  assert.equal(answer.message, "Failed to create record.");
  assert.deepEqual(
    Object.fromEntries(Object.entries(answer.data).map(([k, v]) => [k, v.code])),
    {
      title: "validation_required",
      views: "validation_min_number_constraint",
      homepage: "validation_invalid_url",
      contact: "validation_is_email",
      labels: "validation_too_many_values",
    },
  );
});

test("an extension's hook makes the slug, also of an update", async () => {
  assert.equal(state.first.slug, "first-best");
  const renamed = await ann.collection("posts").update(state.draft.id, { title: "A  new -- Title!" });
  assert.equal(renamed.slug, "a-new-title");
  assert.equal((await ann.collection("posts").getOne(state.draft.id)).slug, "a-new-title");
});

test("an extension's no stands beside the field", async () => {
  const answer = await rejectsWith(400, ann.collection("posts").create({ title: "A Forbidden thing", author: state.ann.id }));
  assert.deepEqual(answer.data, { title: { code: "validation_forbidden_word", message: 'The word "forbidden" is not allowed.' } });
  const batch = ann.createBatch();
  batch.collection("posts").create({ title: "Fine", author: state.ann.id });
  batch.collection("posts").create({ title: "forbidden", author: state.ann.id });
  await rejectsWith(403, batch.send()); // batches are off
  await root.settings.update({ batch: { enabled: true, maxRequests: 10, timeout: 3 } });
  const refused = await rejectsWith(400, batch.send());
  assert.equal(refused.data.requests["1"].response.data.title.code, "validation_forbidden_word");
  assert.equal((await ann.collection("posts").getList(1, 1, { filter: "title = 'Fine'" })).totalItems, 0);
});

test("an extension answers a route", async () => {
  const hello = await guest.send("/hello/J%C3%B6rg%20%22J%22", {});
  assert.deepEqual(hello, { hello: 'Jörg "J"', lang: "go" });
});

test("a changed file is loaded, a broken one leaves the old one running", async () => {
  const file = join(server.dir, "troupe_extensions", "slugs-go.wasm");
  const lang = async () => (await guest.send("/hello/x", { requestKey: null })).lang;
  const until = async (wanted) => {
    for (const deadline = Date.now() + 20_000; (await lang()) !== wanted; ) {
      assert.ok(Date.now() < deadline, `the route still answers in ${await lang()}`);
      await new Promise((done) => setTimeout(done, 25));
    }
  };
  copyFileSync(slugs("c", "c"), file);
  await until("c");
  writeFileSync(file, "no module");
  await logged(/no module|not a WebAssembly|magic/i);
  assert.equal(await lang(), "c");
  copyFileSync(slugs("assemblyscript", "as"), file);
  await until("assemblyscript");
});

/** Waits until the server's log matches. */
async function logged(pattern) {
  for (const deadline = Date.now() + 20_000; !pattern.test(server.logs()); ) {
    assert.ok(Date.now() < deadline, `the log does not say ${pattern}`);
    await new Promise((done) => setTimeout(done, 25));
  }
}

test("rules keep a guest out", async () => {
  await rejectsWith(400, guest.collection("posts").create({ title: "x", author: state.ann.id }));
  await rejectsWith(404, guest.collection("posts").getOne(state.draft.id));
  await rejectsWith(404, guest.collection("posts").update(state.first.id, { title: "stolen" }));
  await rejectsWith(404, bob.collection("posts").delete(state.first.id));
});

test("lists show what the caller may see", async () => {
  const forGuest = await guest.collection("posts").getList(1, 10, { sort: "-created" });
  assert.equal(forGuest.totalItems, 1);
  assert.equal(forGuest.items[0].id, state.first.id);
  const forAnn = await ann.collection("posts").getFullList({ sort: "created" });
  assert.deepEqual(forAnn.map((r) => r.id), [state.first.id, state.draft.id]);
});

test("filters, sorts, fields and expands", async () => {
  const found = await guest.collection("comments").getFirstListItem(guest.filter("text ~ {:t} && post.title ~ 'first'", { t: "well" }), { expand: "post", fields: "id,text,expand.post.title" });
  assert.equal(found.text, "well said");
  assert.deepEqual(found.expand.post, { title: "First & <best>" });
  const none = await guest.collection("posts").getList(1, 10, { filter: "views > 100" });
  assert.equal(none.totalItems, 0);
  await rejectsWith(400, guest.collection("posts").getList(1, 10, { filter: "nope = 1" }));
  await rejectsWith(403, guest.collection("posts").getList(1, 10, { filter: "@request.auth.id = ''" }));
});

test("records are updated", async () => {
  const updated = await ann.collection("posts").update(state.first.id, { "views+": 41, "labels-": "blue" });
  assert.equal(updated.views, 42);
  assert.deepEqual(updated.labels, ["red"]);
  assert.ok(updated.updated >= state.first.updated);
});

test("events reach those who may see them", async () => {
  state.forGuest = inbox();
  state.forAnn = inbox();
  await guest.collection("posts").subscribe("*", (e) => state.forGuest.put(e));
  await ann.collection("posts").subscribe("*", (e) => state.forAnn.put(e), { expand: "author" });
  const open = await ann.collection("posts").create({ title: "Open", published: true, author: state.ann.id });
  const hidden = await ann.collection("posts").create({ title: "Hidden", author: state.ann.id });
  await ann.collection("posts").update(open.id, { title: "Opened" });
  await ann.collection("posts").delete(hidden.id);
  await ann.collection("posts").delete(open.id);

  const seenByAnn = await state.forAnn.take(5);
  assert.deepEqual(seenByAnn.map((e) => `${e.action} ${e.record.title}`), ["create Open", "create Hidden", "update Opened", "delete Hidden", "delete Opened"]);
  assert.equal(seenByAnn[0].record.expand.author.id, state.ann.id);
  const seenByGuest = await state.forGuest.take(3);
  assert.deepEqual(seenByGuest.map((e) => `${e.action} ${e.record.title}`), ["create Open", "update Opened", "delete Opened"]);
});

test("one record can be followed, and left again", async () => {
  const one = inbox();
  const leave = await guest.collection("posts").subscribe(state.first.id, (e) => one.put(e));
  await ann.collection("posts").update(state.first.id, { title: "First again" });
  assert.equal((await one.take(1))[0].record.title, "First again");
  await leave();
  const seen = state.forGuest.events.length;
  await ann.collection("posts").update(state.first.id, { title: "First at last" });
  await state.forGuest.take(seen + 1);
  assert.equal(one.events.length, 1);
});

test("a deleted record takes its comments along", async () => {
  await ann.collection("posts").delete(state.first.id);
  await rejectsWith(404, guest.collection("comments").getOne(state.comment.id));
  await rejectsWith(404, ann.collection("posts").delete(state.first.id));
});

test("a changed password ends the old token", async () => {
  const old = ann.authStore.token;
  await ann.collection("users").update(state.ann.id, { oldPassword: "correct horse", password: "battery staple", passwordConfirm: "battery staple" });
  const stale = newClient();
  stale.authStore.save(old, null);
  await rejectsWith(401, stale.collection("users").authRefresh());
  await ann.collection("users").authWithPassword("ann@example.com", "battery staple");
});

test("a superuser acts as somebody else", async () => {
  const as = await root.collection("users").impersonate(state.ann.id, 60);
  assert.equal(as.authStore.record.id, state.ann.id);
  const post = await as.collection("posts").create({ title: "By the superuser", author: state.ann.id });
  assert.equal((await ann.collection("posts").getOne(post.id)).title, "By the superuser");
  await rejectsWith(403, ann.collection("users").impersonate(state.bob.id, 60));
});

test("a file token opens a protected file", async () => {
  await root.collections.create({
    name: "papers", type: "base", viewRule: "@request.auth.id != ''", createRule: "@request.auth.id != ''",
    fields: [{ name: "paper", type: "file", maxSelect: 1, protected: true }],
  });
  const record = await ann.collection("papers").create({ paper: new File(["for members"], "paper.txt", { type: "text/plain" }) });
  const status = async (token) => (await fetch(ann.files.getURL(record, record.paper, { token }))).status;
  assert.equal(await status(await ann.files.getToken()), 200);
  assert.equal(await status(""), 404);
  await root.collections.delete("papers");
});

test("fields are added, renamed and removed while data stays", async () => {
  const post = await ann.collection("posts").create({ title: "Kept", views: 7, author: state.ann.id });
  const now = await root.collections.getOne("posts");
  const fields = now.fields.filter((f) => f.name !== "homepage").map((f) => (f.name === "views" ? { ...f, name: "reads" } : f));
  fields.push({ name: "note", type: "text" });
  await root.collections.update("posts", { fields });
  const after = await ann.collection("posts").getOne(post.id);
  assert.equal(after.reads, 7);
  assert.equal(after.note, "");
  assert.ok(!("homepage" in after) && !("views" in after));
});

test("a collection that others point at stays, one that none needs goes", async () => {
  const answer = await rejectsWith(400, root.collections.delete("posts"));
  assert.match(answer.message, /comments/);
  await root.collections.delete("comments");
  await root.collections.delete("posts");
  await rejectsWith(404, guest.collection("posts").getList());
});

mailTests({ mail, root, guest, newClient });

let failed = 1;
try {
  failed = await runAll();
} finally {
  for (const client of [guest, ann]) await client.realtime.unsubscribe().catch(() => {});
  await mail.stop();
  const how = await server.stop();
  if (how.code !== 0) {
    console.log(`server ended with ${JSON.stringify(how)}\n${server.logs()}`);
    failed++;
  } else if (failed) {
    console.log(server.logs());
  }
}
process.exit(failed ? 1 : 0);
