// Starts the built server on a free port with a data directory of its own, and stops it by its process id.
import { spawn, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";

export const superuser = { email: "root@example.com", password: "rootpass1234" };

const startDeadlineMs = 60_000;

function freePort() {
  return new Promise((done, fail) => {
    const probe = createServer();
    probe.once("error", fail);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => done(port));
    });
  });
}

/**
 * Returns { url, dir, stop, logs } of a server that answers. Without a superuser it prints the installer's link. Extensions
 * are files that are put where the server looks for them, the folder "troupe_extensions" of dir.
 */
export async function startServer(binary, { withSuperuser = true, extensions = [] } = {}) {
  const bin = resolve(binary);
  const dir = mkdtempSync(join(tmpdir(), "troupe-e2e-"));
  const data = join(dir, "data");
  if (withSuperuser) {
    const made = spawnSync(bin, ["superuser", "upsert", superuser.email, superuser.password, "--dir", data], { encoding: "utf8" });
    if (made.status !== 0) throw new Error(`superuser upsert: ${made.status} ${made.stdout}${made.stderr}`);
  }

  mkdirSync(join(dir, "troupe_extensions"));
  for (const file of extensions) copyFileSync(file, join(dir, "troupe_extensions", basename(file)));

  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(bin, ["serve", `--http=127.0.0.1:${port}`, `--dir=${data}`], { cwd: dir });
  let logs = "";
  child.stdout.on("data", (b) => (logs += b));
  child.stderr.on("data", (b) => (logs += b));
  const ended = new Promise((done) => child.once("exit", (code, signal) => done({ code, signal })));

  const deadline = Date.now() + startDeadlineMs;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`server ended with ${child.exitCode}:\n${logs}`);
    try {
      if ((await fetch(`${url}/api/health`)).ok) break;
    } catch {
      // not listening yet
    }
    if (Date.now() > deadline) throw new Error(`server does not answer:\n${logs}`);
    await new Promise((r) => setTimeout(r, 20));
  }
  return {
    url,
    dir,
    logs: () => logs,
    async stop() {
      child.kill("SIGTERM");
      const how = await ended;
      rmSync(dir, { recursive: true, force: true });
      return how;
    },
  };
}
