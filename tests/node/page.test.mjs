// The server's own page in a real Chromium, with simulated hardware behind the server.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { chromium } from "playwright-core";
import WebSocket from "ws";
import { binary, connect, simulate, startServer } from "./support.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const VIEWS = ["devices", "devices/0", "clients", "scan", "log", "health"];
const vibrator = "Simulated Device";
let server, http, hardware, browser, context, errors;

before(async () => {
  server = await startServer();
  http = server.url.replace("ws:", "http:");
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args });
});
after(async () => {
  await browser?.close();
  hardware?.stop();
  server.stop();
});
beforeEach(async () => {
  errors = [];
  context = await browser.newContext({ viewport: { width: 1100, height: 900 } });
});
afterEach(async () => {
  await context.close();
  await post("/resume");
  assert.deepEqual(errors, [], "the console has errors");
});

const post = (path) => fetch(http + path, { method: "POST" });
const devices = async () => (await fetch(`${http}/api/v1/devices`)).json();
const written = async (index = 0) => (await devices())[index]?.outputs[0].written;
const held = async () => (await (await fetch(`${http}/health`)).json()).held;

const until = async (what, why, patience = 8000) => {
  const end = Date.now() + patience;
  for (;;) {
    if (await what()) return;
    if (Date.now() > end) assert.fail(`not within ${patience} ms: ${why}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
};

const open = async (view = "devices", where = context) => {
  const page = await where.newPage();
  page.setDefaultTimeout(8000);
  page.on("console", (line) => ["error", "warning"].includes(line.type()) && errors.push(line.text()));
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.goto(`${http}/#/${view}`);
  await page.locator(".bar:not(.away)").waitFor();
  return page;
};

// There is one vibrator in all tests but the first, which finds it.
const withDevice = async () => {
  const page = await open();
  await page.getByRole("slider").waitFor();
  return page;
};
const stopAll = (page) => page.getByRole("button", { name: "STOP ALL" });
const slide = (page, value) => page.getByRole("slider").fill(String(value));

test("a simulated device appears while the page scans", async () => {
  const page = await open("scan");
  await page.getByRole("button", { name: "Start scanning" }).click();
  await page.getByText(/^Scanning on/).waitFor();
  hardware = simulate(server, vibrator, "--remember");
  await page.getByRole("link", { name: vibrator }).click();
  await page.getByRole("heading", { level: 1, name: vibrator }).waitFor();
  await page.getByRole("navigation").getByRole("link", { name: "Scan" }).click();
  await page.getByRole("button", { name: "Stop scanning" }).click();
  await page.getByText("Nobody is scanning.").waitFor();
});

test("a slider moves the hardware, and the page shows what was wanted and written, and who drives", async () => {
  const page = await withDevice();
  await slide(page, 37);
  await until(async () => (await written()) === 37, "37 is written");
  await until(() => hardware.levels.at(-1)?.value === 37, "the hardware has 37");
  await page.getByText("wanted 37").waitFor();
  await page.getByText("written 37").waitFor();
  await page.getByText(/^hapticd page has driven it for/).waitFor();
  await page.getByText("1 output on, 1 client").waitFor();
  await page.locator(".plot canvas").waitFor();
});

test("a drag sends 30 values a second at most, and the last one", async () => {
  const page = await withDevice();
  const sent = [];
  // The session of a page is there before its frames can be watched, so the page is loaded once more.
  page.on("websocket", (socket) => socket.on("framesent", ({ payload }) => payload.includes("OutputCmd") && sent.push(JSON.parse(payload)[0].OutputCmd.Command.Vibrate.Value)));
  await page.reload();
  await page.locator(".bar:not(.away)").waitFor();
  const box = await page.getByRole("slider").boundingBox();
  const at = (part) => box.x + box.width * part;
  const y = box.y + box.height / 2;
  await page.mouse.move(at(0.02), y);
  await page.mouse.down();
  const began = Date.now();
  for (let step = 0; step <= 200; step += 1) await page.mouse.move(at(0.02 + 0.0048 * step), y);
  await page.mouse.up();
  const took = Date.now() - began;
  const shown = Number(await page.getByRole("slider").inputValue());
  await until(async () => (await written()) === shown, "the last value is written");
  assert.equal(sent.at(-1), shown);
  assert.ok(sent.length <= Math.ceil(took / 1000 * 30) + 2, `${sent.length} values in ${took} ms`);
});

test("STOP ALL stops at once, by button and by key, also while typing", async () => {
  const page = await withDevice();
  const run = async () => {
    await slide(page, 60);
    await until(async () => (await written()) === 60, "60 is written");
  };
  await run();
  const began = Date.now();
  await stopAll(page).click();
  await until(async () => (await written()) === 0, "the button stops");
  assert.ok(Date.now() - began < 1500, `it took ${Date.now() - began} ms`);
  await page.getByText("Everything is stopped.").waitFor();
  await run();
  await page.keyboard.press("Escape");
  await until(async () => (await written()) === 0, "the key stops");
  await run();
  await page.getByRole("link", { name: "Log" }).click();
  await page.getByLabel("Text").fill("sim");
  await page.keyboard.press("Escape");
  await until(async () => (await written()) === 0, "the key stops while typing");
  assert.equal(await page.getByLabel("Text").inputValue(), "sim");
  assert.equal(await held(), false, "a stop holds nothing");
});

test("a hand on a slider during a stop starts nothing again until it lets go", async () => {
  const page = await withDevice();
  const box = await page.getByRole("slider").boundingBox();
  const y = box.y + box.height / 2;
  await page.mouse.move(box.x + 20, y);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.5, y, { steps: 5 });
  await until(async () => (await written()) > 30, "the drag drives");
  await page.keyboard.press("Escape");
  await until(async () => (await written()) === 0, "the key stops");
  await page.mouse.move(box.x + box.width * 0.8, y, { steps: 20 });
  await page.waitForTimeout(300);
  assert.equal(await written(), 0);
  await page.mouse.up();
  await slide(page, 20);
  await until(async () => (await written()) === 20, "a new touch drives");
});

test("a take-over by a second client is shown, and the page takes it back by setting it", async () => {
  const page = await withDevice();
  await slide(page, 10);
  await until(async () => (await written()) === 10, "10 is written");
  const other = await connect(server, "Second program");
  const command = (value) => ({ DeviceIndex: 0, FeatureIndex: 0, Command: { Vibrate: { Value: value } } });
  other.send("OutputCmd", command(55));
  await page.getByText(/^Second program has driven it for .*, taken over from hapticd page\.$/).waitFor();
  await page.getByText("wanted 55").waitFor();
  await until(async () => (await page.getByRole("slider").inputValue()) === "55", "the slider follows");
  await slide(page, 15);
  await page.getByText(/^hapticd page has driven it for .*, taken over from Second program\.$/).waitFor();
  other.send("OutputCmd", command(44));
  await page.getByText("wanted 44").waitFor();
  await page.getByRole("navigation").getByRole("link", { name: "Clients" }).click();
  await page.getByText(`Drives ${vibrator} 0.vibrate.`).waitFor();
  await page.getByRole("button", { name: /^Disconnect Second program/ }).click();
  await other.closed;
  await until(async () => (await written()) === 0, "what it drove is stopped");
});

test("with a limit that the user sets, a slider stays where the hand left it, and a step is a step", async (lifted) => {
  const page = await withDevice();
  const set = (limit) => execFileSync(binary, ["device", "--server", server.url, "set", "0", `0.vibrate=${limit}`]);
  set("10..50");
  lifted.after(() => set("unlimited"));
  await page.locator("input[type=range][max='40']").waitFor();
  await slide(page, 20);
  await until(async () => (await written()) === 30, "a client's 20 is the hardware's 30");
  await page.waitForTimeout(1500);
  assert.equal(await page.getByRole("slider").inputValue(), "20");
  await page.getByRole("slider").press("ArrowRight");
  await until(async () => (await written()) === 31, "one step more");
  const other = await connect(server, "Second program");
  other.send("OutputCmd", { DeviceIndex: 0, FeatureIndex: 0, Command: { Vibrate: { Value: 5 } } });
  await until(async () => (await written()) === 15, "the other client's 5");
  await until(async () => (await page.getByRole("slider").inputValue()) === "5", "the slider shows it as 5");
  await page.reload();
  await until(async () => (await page.getByRole("slider").inputValue()) === "5", "so does a page that has sent nothing");
  other.close();
});

test("an unknown origin is asked about, a second after the question, and let in at its next try", async () => {
  const page = await open("clients");
  const origin = "https://music.example";
  await assert.rejects(connect(server, "Music", { origin }));
  const question = page.getByRole("group", { name: origin });
  await question.waitFor();
  const answer = question.getByRole("button", { name: "This time" });
  assert.ok(await answer.isDisabled(), "it takes no click that was meant for something else");
  const place = await answer.boundingBox();
  await assert.rejects(connect(server, "Other", { origin: "https://second.test" }));
  await page.getByRole("group", { name: "https://second.test" }).waitFor();
  assert.deepEqual(await answer.boundingBox(), place, "a second question moves nothing");
  await answer.click();
  await question.getByText(/^https:\/\/music\.example It may connect for 1[12] h, from its next try on\.$/).waitFor();
  const music = await connect(server, "Music", { origin });
  await page.getByRole("button", { name: /^Disconnect Music/ }).waitFor();
  await page.getByRole("group", { name: "https://second.test" }).getByRole("button", { name: "Never" }).click();
  await page.getByRole("button", { name: "Allow this time: https://second.test" }).waitFor();
  await page.getByRole("button", { name: `Never: let ${origin} connect no longer` }).click();
  await music.closed;
});

test("the questions take no click while the window has no focus", async () => {
  const page = await open("clients");
  await assert.rejects(connect(server, "Music", { origin: "https://third.dev" }));
  const answer = page.getByRole("button", { name: "Always: https://third.dev" });
  await until(() => answer.isEnabled(), "the question is armed");
  await page.evaluate(() => dispatchEvent(new Event("blur")));
  await until(() => answer.isDisabled(), "it is no longer");
  await page.evaluate(() => dispatchEvent(new Event("focus")));
  assert.ok(await answer.isDisabled());
  await until(() => answer.isEnabled(), "it is again");
  await post("/api/v1/origins/deny?origin=https://third.dev");
  await page.getByText("It was refused elsewhere.").waitFor();
});

test("a hold turns the bar red, refuses, and ends with Resume", async () => {
  const page = await withDevice();
  await slide(page, 25);
  await until(async () => (await written()) === 25, "25 is written");
  // The second click of a double click must not resume.
  await page.getByRole("button", { name: "Hold" }).dblclick();
  await page.locator(".bar.held").waitFor();
  await until(async () => (await written()) === 0, "the hold stops");
  await page.waitForTimeout(300);
  assert.equal(await held(), true);
  assert.equal(await page.locator(".bar").evaluate((bar) => getComputedStyle(bar).backgroundColor), "rgb(143, 27, 21)");
  assert.ok(await page.getByRole("slider").isDisabled());
  const resume = page.getByRole("button", { name: "Resume" });
  await until(async () => (await resume.getAttribute("aria-disabled")) === "false", "Resume can be pressed");
  await resume.click();
  await page.locator(".bar:not(.held)").waitFor();
  assert.equal(await held(), false);
  await slide(page, 5);
  await until(async () => (await written()) === 5, "outputs are taken again");
});

test("by keyboard only: skip, walk, drive, stop the device, hold and resume", async () => {
  const page = await withDevice();
  const focused = () => page.evaluate(() => document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent.trim().replace(/\s+/g, " "));
  const tabTo = async (name) => {
    for (let steps = 0; steps < 40; steps += 1) {
      await page.keyboard.press("Tab");
      if (name.test(await focused())) return;
    }
    assert.fail(`the key Tab does not lead to ${name}`);
  };
  await tabTo(/^Skip to the content$/);
  await page.keyboard.press("Enter");
  assert.equal(await focused(), "Devices");
  await tabTo(new RegExp(`^Stop ${vibrator}$`));
  await page.keyboard.press("Tab");
  for (const key of ["Home", "ArrowRight", "ArrowRight", "ArrowRight"]) await page.keyboard.press(key);
  await until(async () => (await written()) === 3, "the arrow keys drive");
  await page.keyboard.press("Shift+Tab");
  assert.equal(await focused(), `Stop ${vibrator}`);
  await page.keyboard.press("Enter");
  await until(async () => (await written()) === 0, "the device is stopped");
  await page.reload();
  await page.locator(".bar:not(.away)").waitFor();
  await tabTo(/^Hold$/);
  await page.keyboard.press("Enter");
  await until(held, "the key holds");
  await page.locator(".hold[aria-disabled=false]", { hasText: "Resume" }).waitFor();
  assert.equal(await focused(), "Resume", "the focus stays");
  await page.keyboard.press("Enter");
  await until(async () => !(await held()), "the key resumes");
  await tabTo(/^Health$/);
  await page.keyboard.press("Enter");
  await until(async () => (await focused()) === "Health" && (await page.evaluate(() => document.activeElement.tagName)) === "H1", "the new heading has the focus");
});

test("the log can be filtered and paused", async () => {
  const page = await open("log");
  await page.getByText(`${vibrator} is connected (simulated)`).waitFor();
  await page.getByLabel("Text").fill("no line has this");
  await page.getByText("There are no lines.").waitFor();
  await page.getByLabel("Text").fill("");
  await page.getByLabel("Level").selectOption("error");
  await page.getByText("0 lines").waitFor();
  await page.getByLabel("Level").selectOption("info");
  await page.getByRole("button", { name: "Pause" }).click();
  const lines = page.getByText(/^Paused, \d+ lines$/);
  const before = await lines.textContent();
  (await connect(server, "Late client")).close();
  await page.waitForTimeout(2500);
  assert.equal(await lines.textContent(), before);
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByText("client \"Late client\" is here").waitFor();
});

for (const colorScheme of ["light", "dark"]) {
  test(`axe finds nothing in any view, ${colorScheme}, wide and at 360 px, and nothing is wider than the screen`, async () => {
    const where = await browser.newContext({ colorScheme, bypassCSP: true });
    for (const width of [1100, 360]) {
      for (const view of VIEWS) {
        const page = await open(view, where);
        await page.setViewportSize({ width, height: 800 });
        await page.waitForTimeout(1200);
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() => globalThis.axe.run());
        assert.deepEqual(violations.map(({ id, nodes }) => `${view} ${width}: ${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`), []);
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${view} at ${width}`);
        await page.close();
      }
    }
    await where.close();
  });
}

test("axe finds nothing while a hold lasts and while a page asks", async () => {
  const where = await browser.newContext({ bypassCSP: true });
  await assert.rejects(connect(server, "Music", { origin: "https://fourth.org" }));
  const page = await open("clients", where);
  await post("/stop?hold=true");
  await page.locator(".bar.held").waitFor();
  await page.getByRole("group", { name: "https://fourth.org" }).waitFor();
  await page.waitForTimeout(1500);
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`), []);
  await where.close();
});

test("on a phone STOP ALL is as wide as the screen and away from other buttons", async () => {
  const page = await withDevice();
  await page.setViewportSize({ width: 360, height: 740 });
  const stop = await stopAll(page).boundingBox();
  assert.deepEqual([stop.x, stop.width], [0, 360]);
  assert.ok(stop.height >= 72);
  const hold = await page.getByRole("button", { name: "Hold" }).boundingBox();
  assert.ok(stop.y - (hold.y + hold.height) > 300);
});

test("eight tabs all watch, and STOP in each of them stops", async () => {
  const tabs = [];
  for (let tab = 0; tab < 8; tab += 1) tabs.push(await withDevice());
  for (const [at, page] of tabs.entries()) {
    await slide(tabs[(at + 1) % tabs.length], 30 + at);
    await until(async () => (await written()) === 30 + at, `tab ${at + 1} drives`);
    await page.getByText(`written ${30 + at}`).waitFor();
    const began = Date.now();
    await stopAll(page).click();
    await until(async () => (await written()) === 0, `tab ${at} stops`);
    assert.ok(Date.now() - began < 1500, `tab ${at} took ${Date.now() - began} ms`);
    await page.getByText("Everything is stopped.").waitFor();
  }
  // Whichever tab reads the events for all: when it closes, another does.
  await tabs.shift().close();
  await slide(tabs[0], 12);
  await tabs[6].getByText("written 12").waitFor();
});

test("a tab that is hidden stops reading events, and shows what is when it is seen again", async () => {
  const page = await withDevice();
  const show = (hidden) => page.evaluate((value) => {
    Object.defineProperty(document, "hidden", { value, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
  await show(true);
  const other = await connect(server, "Second program");
  other.send("OutputCmd", { DeviceIndex: 0, FeatureIndex: 0, Command: { Vibrate: { Value: 77 } } });
  await until(async () => (await written()) === 77, "77 is written");
  await page.waitForTimeout(500);
  assert.equal(await page.getByText("written 77").count(), 0);
  await show(false);
  await page.getByText("written 77").waitFor();
  other.close();
});

test("a device that is away is shown as away, and its slider is disabled until it is back", async () => {
  const own = await startServer("devices.reconnect_grace_ms=60000");
  const socket = new WebSocket(`${own.url}/hardware`);
  await new Promise((resolve) => socket.on("open", resolve));
  const attach = () => socket.send(JSON.stringify({ type: "attach", bus: "websocket", protocol: "simulated", name: vibrator, address: "away-1" }));
  attach();
  const page = await context.newPage();
  page.setDefaultTimeout(8000);
  await page.goto(own.url.replace("ws:", "http:"));
  await page.getByRole("button", { name: "Start scanning" }).click();
  await page.getByText("connected", { exact: true }).waitFor();
  await until(() => page.getByRole("slider").isEnabled(), "it can be driven");
  socket.send(JSON.stringify({ type: "detach" }));
  await page.getByText("away", { exact: true }).waitFor();
  assert.ok(await page.getByRole("slider").isDisabled());
  attach();
  await until(() => page.getByRole("slider").isEnabled(), "it can be driven again");
  await page.close();
  socket.close();
  own.stop();
});

test("when the server is away the bar says so, the controls are disabled, and it comes back", async () => {
  const page = await withDevice();
  const port = new URL(http).port;
  server.stop();
  await page.locator(".on", { hasText: "The server does not answer. Trying again." }).waitFor();
  assert.ok(await page.getByRole("slider").isDisabled());
  await stopAll(page).click();
  await page.getByText(/THE STOP DID NOT ARRIVE/).waitFor();
  // The browser itself says in the console that nobody answers.
  errors = errors.filter((error) => !/ERR_|WebSocket connection/.test(error));
  server = await startServer(`server.listen=127.0.0.1:${port}`);
  await page.locator(".bar:not(.away)").waitFor({ timeout: 15_000 });
  errors = errors.filter((error) => !/ERR_|WebSocket connection/.test(error));
});
