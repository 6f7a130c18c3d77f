// The official client signs people in with OAuth2: with a code that it fetched itself, and all in one through the server's
// redirect and a realtime message.
import assert from "node:assert/strict";
import { rejectsWith, test } from "./check.mjs";
import { registration, startProvider } from "./oidc.mjs";

/** Adds the tests. root is a client that a superuser is signed in with by then. */
export function walkOAuth2({ server, root, newClient }) {
  const page = "http://app.example/back"; // nobody is there
  let provider;
  let ann;

  /** Goes to the provider as a browser would and returns where it is sent. */
  async function visit(address) {
    const response = await fetch(address, { redirect: "manual" });
    assert.equal(response.status, 302, await response.text());
    return new URL(response.headers.get("location"));
  }

  async function codeFor(client) {
    const methods = await client.collection("people").listAuthMethods({ requestKey: null });
    const [first] = methods.oauth2.providers;
    const back = await visit(first.authURL + encodeURIComponent(page));
    assert.equal(back.searchParams.get("state"), first.state);
    return { name: first.name, code: back.searchParams.get("code"), verifier: first.codeVerifier };
  }

  test("a collection is set up for OAuth2", async () => {
    provider = await startProvider();
    const people = await root.collections.create({
      name: "people",
      type: "auth",
      createRule: "@request.context = 'oauth2'",
      viewRule: "id = @request.auth.id",
      fields: [{ name: "name", type: "text" }],
      oauth2: {
        enabled: true,
        mappedFields: { name: "name" },
        providers: [{ ...registration, name: "oidc", displayName: "Stub", authURL: `${provider.url}/authorize`, tokenURL: `${provider.url}/token`, userInfoURL: `${provider.url}/userinfo` }],
      },
    });
    assert.equal(people.oauth2.providers[0].clientSecret, undefined, "the secret is shown");
  });

  test("a code makes an account", async () => {
    const client = newClient();
    provider.person = { sub: "1", email: "ann@people.example", email_verified: true, name: "Ann" };
    const { name, code, verifier } = await codeFor(client);
    ann = await client.collection("people").authWithOAuth2Code(name, code, verifier, page, { emailVisibility: true });
    assert.equal(ann.record.name, "Ann");
    assert.equal(ann.record.verified, true);
    assert.equal(ann.meta.isNew, true);
    assert.equal(ann.meta.rawUser.sub, "1");
    assert.equal((await client.collection("people").getOne(ann.record.id)).email, "ann@people.example");
    const again = await rejectsWith(400, client.collection("people").authWithOAuth2Code(name, code, verifier, page));
    assert.equal(again.message, "Failed to fetch OAuth2 token.");
  });

  test("a code needs its verifier and its address", async () => {
    const client = newClient();
    const one = await codeFor(client);
    await rejectsWith(400, client.collection("people").authWithOAuth2Code(one.name, one.code, one.verifier + "x", page));
    const other = await codeFor(client);
    await rejectsWith(400, client.collection("people").authWithOAuth2Code(other.name, other.code, other.verifier, page + "x"));
  });

  test("all in one, by the redirect and a realtime message", async () => {
    const client = newClient();
    let shown;
    const auth = await client.collection("people").authWithOAuth2({
      provider: "oidc",
      urlCallback: async (address) => {
        const back = await visit(address);
        assert.equal(back.origin, server.url);
        shown = await fetch(back, { redirect: "manual" });
      },
    });
    assert.equal(auth.record.id, ann.record.id);
    assert.equal(auth.meta.isNew, false);
    assert.ok(client.authStore.isValid);
    assert.equal(shown.status, 307);
    assert.match(shown.headers.get("location"), /oauth2-redirect-success$/);
    assert.equal((await client.collection("people").authRefresh()).record.id, ann.record.id);
    await client.realtime.unsubscribe();
  });

  test("a refusal reaches the client", async () => {
    const client = newClient();
    provider.person = null;
    const refused = client.collection("people").authWithOAuth2({
      provider: "oidc",
      urlCallback: async (address) => void (await fetch(await visit(address), { redirect: "manual" })),
    });
    await assert.rejects(refused, (err) => /access_denied/.test(err.originalError?.message));
    await client.realtime.unsubscribe();
    await provider.stop();
  });
}
