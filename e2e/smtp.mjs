// A mail server that keeps what it gets, for tests: no encryption, no accounts, no dependency.
import { createServer } from "node:net";

/** Returns { port, next(to), count(), stop() }. next waits for the oldest mail to an address that nobody asked for yet. */
export async function startMailServer() {
  const mails = [];
  let wake = () => {};
  const put = (mail) => {
    mails.push(mail);
    wake();
  };
  const sockets = new Set();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    converse(socket, put);
  });
  await new Promise((done, fail) => {
    server.once("error", fail);
    server.listen(0, "127.0.0.1", done);
  });
  return {
    port: server.address().port,
    count: () => mails.length,
    async next(to, withinMs = 10_000) {
      const deadline = Date.now() + withinMs;
      for (;;) {
        const i = mails.findIndex((m) => m.to === to);
        if (i >= 0) return mails.splice(i, 1)[0];
        const left = deadline - Date.now();
        if (left <= 0) throw new Error(`no mail to ${to} came`);
        await new Promise((done) => {
          const timer = setTimeout(done, left);
          wake = () => {
            clearTimeout(timer);
            done();
          };
        });
      }
    },
    stop() {
      for (const socket of sockets) socket.destroy();
      return new Promise((done) => server.close(done));
    },
  };
}

function converse(socket, put) {
  let unread = "";
  let data = null; // the lines of a mail on its way
  socket.setEncoding("utf8");
  socket.write("220 sink\r\n");
  socket.on("data", (chunk) => {
    unread += chunk;
    for (let end; (end = unread.indexOf("\r\n")) >= 0; ) {
      const line = unread.slice(0, end);
      unread = unread.slice(end + 2);
      if (data === null) {
        const command = line.slice(0, 4).toUpperCase();
        if (command === "DATA") data = [];
        socket.write({ DATA: "354 go on\r\n", QUIT: "221 bye\r\n" }[command] ?? "250 ok\r\n");
        if (command === "QUIT") socket.end();
      } else if (line === ".") {
        put(read(data.join("\r\n")));
        data = null;
        socket.write("250 taken\r\n");
      } else {
        data.push(line.startsWith("..") ? line.slice(1) : line);
      }
    }
  });
}

/** Takes a multipart mail apart. */
function read(raw) {
  const [head, ...rest] = raw.split("\r\n\r\n");
  const headers = head.replace(/\r\n[ \t]+/g, " ");
  const header = (name) => headers.match(new RegExp(`^${name}: (.*)$`, "im"))?.[1] ?? "";
  const mail = { from: header("From"), to: header("To").replace(/^<|>$/g, ""), subject: header("Subject"), text: "", html: "" };
  const boundary = header("Content-Type").match(/boundary="?([^";]+)/)[1];
  for (const part of rest.join("\r\n\r\n").split(`--${boundary}`)) {
    const [partHead, ...body] = part.split("\r\n\r\n");
    const text = fromQuotedPrintable(body.join("\r\n\r\n"));
    if (/text\/html/i.test(partHead)) mail.html = text;
    else if (/text\/plain/i.test(partHead)) mail.text = text;
  }
  return mail;
}

function fromQuotedPrintable(text) {
  const bytes = text.replace(/=\r\n/g, "").replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString("utf8");
}
