// A real Chromium: what a page from elsewhere can do, and what one that was let in can. page.test.mjs has the own page.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { binary, startServer } from "./support.mjs";

// Every name is this computer; nothing is looked up outside.
const args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
let server, address, elsewhere, port, browser;
before(async () => {
  server = await startServer();
  address = server.url.replace("ws://", "");
  elsewhere = createServer((_, answer) => answer.setHeader("content-type", "text/html").end("<title>elsewhere</title>")).listen(0, "127.0.0.1");
  await once(elsewhere, "listening");
  port = elsewhere.address().port;
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: [...args, "--host-resolver-rules=MAP *.example 127.0.0.1"] });
});
after(async () => {
  await browser?.close();
  elsewhere.close();
  server.stop();
});

const hapticd = (...words) => execFileSync(binary, [...words, "--server", address]).toString();

// What scripts of the page at this address get out of the server.
const tries = async (url) => {
  const page = await browser.newPage();
  await page.goto(url);
  const got = await page.evaluate(async (at) => {
    const ask = (path, options) => fetch(at + path, options).then((answer) => `${answer.status} ${answer.type}`, () => "nothing");
    const loaded = (element, path) => new Promise((resolve) => {
      element.onload = () => resolve(element.contentDocument === null ? "nothing" : "loaded");
      element.onerror = () => resolve("nothing");
      element.src = at + path;
      document.body.append(element);
    });
    const socket = await new Promise((resolve) => {
      const socket = new WebSocket(at.replace("http", "ws"));
      socket.onopen = () => { socket.close(); resolve("open"); };
      socket.onerror = () => resolve("nothing");
    });
    const form = { method: "POST", mode: "no-cors" };
    return {
      socket,
      health: await ask("/health"),
      resume: await ask("/resume", form),
      answers: await ask(`/api/v1/origins/allow?always=true&origin=${location.origin}`, form),
      image: await loaded(new Image(), "/health"),
      script: await loaded(document.createElement("script"), "/health"),
      frame: await loaded(document.createElement("iframe"), "/"),
    };
  }, `http://${address}`);
  await page.close();
  return got;
};
const nothing = { socket: "nothing", health: "nothing", resume: "nothing", answers: "nothing", image: "nothing", script: "nothing", frame: "nothing" };

test("a page from elsewhere gets nothing until it is let in, and then the WebSocket only", async () => {
  const site = `http://evil.example:${port}`;
  assert.deepEqual(await tries(site), nothing);
  assert.deepEqual(await tries(site), nothing, "it has not let itself in");
  assert.match(hapticd("origins"), new RegExp(`${site} waits for an answer`));
  hapticd("allow", site);
  assert.deepEqual(await tries(site), { ...nothing, socket: "open" });
  hapticd("deny", site);
  assert.deepEqual(await tries(site), nothing);
});

test("a page of another port of this computer gets the WebSocket only", async () => {
  for (const host of ["localhost", "127.0.0.1"]) {
    assert.deepEqual(await tries(`http://${host}:${port}`), { ...nothing, socket: "open" }, host);
  }
});

test("a name of somebody else that leads here is not served", async () => {
  const page = await browser.newPage();
  const answer = await page.goto(`http://rebound.example:${address.split(":")[1]}/`);
  assert.equal(answer.status(), 403);
  await page.close();
});
