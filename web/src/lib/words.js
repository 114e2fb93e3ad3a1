// What things are called on the page.
const OUTPUTS = {
  Vibrate: ["vibrate", "Vibration"],
  Rotate: ["rotate", "Rotation"],
  Oscillate: ["oscillate", "Oscillation"],
  Constrict: ["constrict", "Constriction"],
  Spray: ["spray", "Spray"],
  Temperature: ["temperature", "Temperature"],
  Led: ["led", "Light"],
  Position: ["position", "Position"],
  HwPositionWithDuration: ["hw_position", "Timed position"],
};

// The name that settings and `OutputStatus` use.
export const definitionName = (type) => OUTPUTS[type]?.[0] ?? type.toLowerCase();
export const outputLabel = (type) => OUTPUTS[type]?.[1] ?? type;
export const isPosition = (type) => type === "Position" || type === "HwPositionWithDuration";

const BUSES = {
  btle: "Bluetooth", serial: "Serial port", hid: "HID", usb: "USB", websocket: "WebSocket", gamepad: "Gamepad",
  lovense_dongle: "Lovense dongle", virtual: "Simulated devices",
};
export const busName = (bus) => BUSES[bus] ?? bus;

export const count = (number, one, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;

export const duration = (ms) => {
  const seconds = Math.max(Math.floor(ms / 1000), 0);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return count(Math.floor(seconds / 86_400), "day");
};

export const clockTime = (ms) => new Date(ms).toLocaleTimeString("en-GB");

export const KINDS = { session: "Buttplug client", api: "HTTP API", application: "Part of the server" };

// Port 12345 is where the commands look without being told.
export const serverOption = () => (location.host === "127.0.0.1:12345" || location.host === "localhost:12345" ? "" : ` --server ${location.host}`);
