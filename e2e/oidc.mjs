// A small OpenID provider on a free loopback port. It is strict where clients and servers like to be lax: a code works once, and
// only with its verifier, its redirect address and the client's secret.
import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { createServer } from "node:http";

export const registration = { clientId: "e2e client", clientSecret: "e2e & secret" };

/**
 * Returns { url, person, stop }. person is who signs in next, as the claims of the provider; null refuses.
 */
export async function startProvider() {
  const codes = new Map();
  const tokens = new Map();
  const provider = { url: "", person: null, stop };

  const authorize = (url, res) => {
    const q = url.searchParams;
    const back = new URL(q.get("redirect_uri"));
    back.searchParams.set("state", q.get("state"));
    if (provider.person) {
      const code = randomUUID();
      codes.set(code, { person: provider.person, challenge: q.get("code_challenge"), redirect: q.get("redirect_uri") });
      back.searchParams.set("code", code);
      assert.equal(q.get("client_id"), registration.clientId);
      assert.equal(q.get("response_type"), "code");
      assert.equal(q.get("code_challenge_method"), "S256");
    } else {
      back.searchParams.set("error", "access_denied");
    }
    res.writeHead(302, { Location: back.href }).end();
  };

  const token = (req, form, res) => {
    const basic = "Basic " + Buffer.from([registration.clientId, registration.clientSecret].map(formEncoded).join(":")).toString("base64");
    const given = codes.get(form.get("code"));
    codes.delete(form.get("code"));
    const verifier = createHash("sha256").update(form.get("code_verifier") ?? "").digest("base64url");
    if (req.headers.authorization !== basic || !given || given.challenge !== verifier || given.redirect !== form.get("redirect_uri")) {
      return json(res, 400, { error: "invalid_grant" });
    }
    const access = randomUUID();
    tokens.set(access, given.person);
    json(res, 200, { access_token: access, token_type: "Bearer", refresh_token: randomUUID(), expires_in: 3600 });
  };

  const server = createServer(async (req, res) => {
    const url = new URL(req.url, provider.url);
    let body = "";
    for await (const part of req) body += part;
    try {
      if (url.pathname === "/authorize") return authorize(url, res);
      if (url.pathname === "/token") return token(req, new URLSearchParams(body), res);
      const person = tokens.get((req.headers.authorization ?? "").replace("Bearer ", ""));
      return url.pathname === "/userinfo" && person ? json(res, 200, person) : json(res, 401, {});
    } catch (err) {
      json(res, 500, { error: String(err) });
    }
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  provider.url = `http://127.0.0.1:${server.address().port}`;
  return provider;

  function stop() {
    server.closeAllConnections();
    return new Promise((done) => server.close(done));
  }
}

const formEncoded = (s) => new URLSearchParams({ s }).toString().slice(2);

function json(res, status, body) {
  res.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}
