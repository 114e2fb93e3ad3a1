// What runs beside the views: the session, the events, and the questions that are asked again and again while somebody looks.
import { readBattery, client, stopAll } from "./drive.js";
import { Events } from "./events.js";
import { origins } from "./origins.svelte.js";
import { server } from "./server.svelte.js";

const events = new Events({
  event: (name, data) => server.handle(name, data),
  lost: () => {
    server.watching = false;
  },
  snapshot: () => server.snapshot(),
});

const every = (ms, what) => setInterval(() => !document.hidden && server.driving && what(), ms);

export const start = () => {
  client.connect();
  if (!document.hidden) events.start();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) events.stop();
    else {
      client.connect();
      events.start();
    }
  });
  addEventListener("online", () => client.connect());
  // Before anything else can take the key, and it writes nothing, so that it is safe while typing.
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.repeat) stopAll();
  }, { capture: true });
  every(2000, () => origins.read());
  every(5000, () => server.readHealth());
  every(1000, () => server.devices.forEach(readBattery));
  origins.read();
};
