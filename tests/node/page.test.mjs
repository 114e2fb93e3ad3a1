// The page's own script, with a document of its own and a real server behind it.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { after, before, test } from "node:test";
import { startServer } from "./support.mjs";

let server, http, taken;
before(async () => {
  // A port in use is a bus that does not work.
  taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  server = await startServer("buses.websocket.enabled=true", `buses.websocket.listen=127.0.0.1:${taken.address().port}`);
  http = server.url.replace("ws:", "http:");
});
after(() => {
  server.stop();
  taken.close();
});

// Opens the page: what has an id can be read and pressed. Timers are left out, so that each look is asked for.
const open = async () => {
  const html = await (await fetch(http)).text();
  const elements = new Map();
  for (const [, id, attributes, text] of html.matchAll(/<\w+ id="(\w+)"([^>]*)>([^<]*)/g)) {
    elements.set(id, { textContent: text.trim(), hidden: /\bhidden\b/.test(attributes) });
  }
  const [, script] = /<script>([^]*?)<\/script>/.exec(html);
  const looks = [];
  const document = { getElementById: (id) => elements.get(id) ?? assert.fail(`the page has no ${id}`) };
  const fetched = (path, options) => fetch(new URL(path, http), options);
  new Function("document", "fetch", "setInterval", script)(document, fetched, (look) => looks.push(look));
  await looks[0]();
  const press = async (id) => {
    assert.ok(!elements.get(id).hidden, `${id} cannot be seen`);
    await elements.get(id).onclick();
  };
  return { text: (id) => elements.get(id).textContent, shown: (id) => !elements.get(id).hidden, press };
};

test("the page shows buses as /health does", async () => {
  const page = await open();
  assert.equal(page.text("buses"), "virtual");
  assert.ok(page.shown("failed"));
  assert.match(page.text("failures"), /^websocket: `buses.websocket.listen` = 127.0.0.1:\d+ cannot be used: /);
  assert.equal(page.text("devices"), "none");
  assert.equal(page.text("sessions"), 0);
});

test("the stop button holds and says so, and Resume ends that", async () => {
  const page = await open();
  assert.ok(!page.shown("resume"));
  assert.match(page.text("hold"), /nothing that programs ask for is done until you press Resume/);
  await page.press("stop");
  assert.ok(page.shown("resume"));
  assert.match(page.text("hold"), /^Everything is stopped and held\./);
  assert.equal((await (await fetch(`${http}/health`)).json()).held, true);
  await page.press("resume");
  assert.ok(!page.shown("resume"));
  assert.equal((await (await fetch(`${http}/health`)).json()).held, false);
  assert.equal(page.text("result"), "");
});
