// What goes by mail, with the official client: verification, a forgotten password, another address, one-time codes, a
// second method, alerts.
import assert from "node:assert/strict";
import { rejectsWith, test } from "./check.mjs";

export function mailTests({ mail, root, guest, newClient }) {
  const users = (client) => client.collection("users");
  const email = "carol@example.com";
  const state = { password: "correct horse" };
  const carol = newClient();
  const link = (m, page) => m.html.match(new RegExp(`href="https://app\\.test/_/#/auth/${page}/([\\w.-]+)"`))[1];

  test("mail: the settings are tried with a test mail", async () => {
    await root.settings.update({
      smtp: { enabled: true, host: "127.0.0.1", port: mail.port },
      meta: { appName: "Acme", appURL: "https://app.test", senderName: "Robot", senderAddress: "robot@app.test" },
    });
    await root.settings.testEmail("users", "try@example.com", "verification");
    const m = await mail.next("try@example.com");
    assert.equal(m.from, "Robot <robot@app.test>");
    assert.match(m.subject, /Acme/);
    assert.match(m.text, /\[[^\]]+\]\(https:\/\/app\.test\/_\/#\/auth\/confirm-verification\/[\w.-]+\)/);
    const answer = await rejectsWith(400, root.settings.testEmail("users", "no address", "otp"));
    assert.equal(answer.data.email.code, "validation_is_email");
  });

  test("mail: an address is verified", async () => {
    const made = await users(guest).create({ email, password: state.password, passwordConfirm: state.password });
    state.id = made.id;
    await users(carol).authWithPassword(email, state.password);
    await users(guest).requestVerification("nobody@example.com"); // is told nothing
    await users(guest).requestVerification(email);
    const token = link(await mail.next(email), "confirm-verification");
    assert.equal(await users(carol).confirmVerification(token), true);
    assert.equal((await users(carol).authRefresh()).record.verified, true);
    const answer = await rejectsWith(400, users(guest).confirmVerification("garbage"));
    assert.equal(answer.data.token.code, "validation_invalid_token_claims");
  });

  test("mail: a forgotten password is replaced, which ends sessions", async () => {
    await users(guest).requestPasswordReset(email);
    const token = link(await mail.next(email), "confirm-password-reset");
    state.password = "battery staple";
    await users(guest).confirmPasswordReset(token, state.password, state.password);
    await rejectsWith(401, users(carol).authRefresh());
    const answer = await rejectsWith(400, users(guest).confirmPasswordReset(token, "another one", "another one"));
    assert.equal(answer.data.token.code, "validation_invalid_token");
    await users(carol).authWithPassword(email, state.password);
  });

  test("mail: an address is changed by a link to the new one", async () => {
    await users(carol).requestEmailChange("caroline@example.com");
    const token = link(await mail.next("caroline@example.com"), "confirm-email-change");
    const answer = await rejectsWith(400, users(guest).confirmEmailChange(token, "wrong password"));
    assert.equal(answer.data.password.code, "validation_invalid_password");
    await users(guest).confirmEmailChange(token, state.password);
    await rejectsWith(401, users(carol).authRefresh());
    assert.equal((await root.collection("users").getOne(state.id)).email, "caroline@example.com");
    await root.collection("users").update(state.id, { email });
  });

  test("mail: a one-time code signs in, once", async () => {
    await rejectsWith(403, users(guest).requestOTP(email));
    await root.collections.update("users", { otp: { enabled: true } });
    assert.equal((await users(guest).listAuthMethods()).otp.enabled, true);
    const { otpId } = await users(guest).requestOTP(email);
    assert.match((await users(guest).requestOTP("nobody@example.com")).otpId, /^[a-z0-9]{15}$/);
    const code = (await mail.next(email)).html.match(/<strong>(\d{8})<\/strong>/)[1];
    const wrong = await rejectsWith(400, users(guest).authWithOTP(otpId, "00000000x"));
    assert.equal(wrong.message, "Invalid or expired OTP.");
    const auth = await users(newClient()).authWithOTP(otpId, code);
    assert.equal(auth.record.id, state.id);
    await rejectsWith(400, users(guest).authWithOTP(otpId, code));
  });

  test("mail: a second method completes a sign-in", async () => {
    await root.collections.update("users", { mfa: { enabled: true } });
    const client = newClient();
    const { mfaId } = await rejectsWith(401, users(client).authWithPassword(email, state.password));
    assert.match(mfaId, /^[a-z0-9]{15}$/);
    const { otpId } = await users(guest).requestOTP(email);
    const code = (await mail.next(email)).html.match(/<strong>(\d{8})<\/strong>/)[1];
    const auth = await users(client).authWithOTP(otpId, code, { mfaId });
    assert.equal(auth.record.id, state.id);
    await root.collections.update("users", { mfa: { enabled: false }, otp: { enabled: false } });
  });

  test("mail: a sign-in from a new place is told, one from a known place is not", async () => {
    const from = (agent) => users(newClient()).authWithPassword(email, state.password, { headers: { "User-Agent": agent } });
    await from("somewhere/1.0"); // carol has signed in before, from here
    assert.match((await mail.next(email)).html, /127\.0\.0\.1 somewhere\/1\.0/);
    const before = mail.count();
    await from("somewhere/1.0");
    assert.equal(mail.count(), before);
    await from("elsewhere/1.0");
    assert.match((await mail.next(email)).html, /127\.0\.0\.1 elsewhere\/1\.0/);
  });
}
