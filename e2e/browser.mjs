// Makes the first superuser in a real browser, by the link that a fresh server prints.
// usage: node browser.mjs [path of the server's binary]; CHROMIUM names the browser's executable.
import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import PocketBase from "pocketbase";
import { runAll, test } from "./check.mjs";
import { startServer, superuser } from "./server.mjs";

const server = await startServer(process.argv[2] ?? "../bin/troupe", { withSuperuser: false });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const page = await browser.newPage();
const complaints = [];
page.on("console", (m) => m.type() === "error" && complaints.push(m.text()));
page.on("pageerror", (e) => complaints.push(String(e)));

const link = () => {
  const found = server.logs().match(/http:\S+#\/pbinstall\/\S+/);
  assert.ok(found, `no link in\n${server.logs()}`);
  return found[0];
};

test("the page without a token offers no form", async () => {
  await page.goto(`${server.url}/_/`);
  assert.ok(!(await page.isVisible("form")));
});

test("a short password is explained", async () => {
  await page.goto(link());
  await page.reload(); // only the part after # differs from the page before
  await page.fill("input[name=email]", superuser.email);
  await page.$eval("form", (form) => (form.noValidate = true)); // let the server judge
  await page.fill("input[name=password]", "short");
  await page.fill("input[name=passwordConfirm]", "short");
  await page.click("button");
  await page.waitForFunction(() => document.getElementById("message").textContent.includes("Must be at least 8 character(s)."));
  complaints.length = 0; // the browser reports the refused request
});

test("the first superuser is made", async () => {
  await page.fill("input[name=password]", superuser.password);
  await page.fill("input[name=passwordConfirm]", superuser.password);
  await page.click("button");
  await page.waitForFunction(() => document.getElementById("intro").textContent.includes("was created"));
  assert.ok(!page.url().includes("pbinstall"), "the token stays in the address");
  const client = new PocketBase(server.url);
  await client.collection("_superusers").authWithPassword(superuser.email, superuser.password);
});

test("the link works only once", async () => {
  await page.goto(link());
  await page.reload();
  await page.fill("input[name=email]", "other@example.com");
  await page.fill("input[name=password]", superuser.password);
  await page.fill("input[name=passwordConfirm]", superuser.password);
  await page.click("button");
  await page.waitForFunction(() => document.getElementById("message").textContent.includes("Only superusers"));
  complaints.length = 0;
});

test("the pages have nothing to complain about", async () => {
  await page.goto(`${server.url}/_/`);
  assert.deepEqual(complaints, []);
});

let failed = 1;
try {
  failed = await runAll();
  if (process.env.SCREENSHOT) {
    await page.goto(link());
    await page.reload();
    await page.screenshot({ path: process.env.SCREENSHOT });
  }
} finally {
  await browser.close();
  const how = await server.stop();
  if (how.code !== 0) failed++;
  if (failed) console.log(`server ended with ${JSON.stringify(how)}\n${server.logs()}`);
}
process.exit(failed ? 1 : 0);
