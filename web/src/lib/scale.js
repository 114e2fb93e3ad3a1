// From the hardware's steps, in which the API says what an output does, to a client's, in which a slider sets it.
//
// They differ where the user has set a lower limit: with 10 to 50, a client's 1 is the hardware's 11. The API does not tell
// that limit, so the page learns it from what becomes of the values that it sends.
const offsets = new Map();

export const learn = (key, sent, wanted) => {
  const offset = Math.abs(wanted) - Math.abs(sent);
  if (sent !== 0 && offset >= 0) offsets.set(key, offset);
};

export const toClient = (key, value, [least, greatest]) => {
  const steps = Math.max(Math.abs(value) - (offsets.get(key) ?? 0), 0);
  return Math.min(Math.max(Math.sign(value) * steps, least), greatest);
};
