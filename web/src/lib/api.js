// The HTTP API of the server that served this page.

// A browser opens six connections to a host. A question that hangs must not keep one from a stop for long.
const PATIENCE_MS = 5000;

export class ApiError extends Error {
  constructor(status, body) {
    super(body?.detail ?? body?.error ?? `the server answered ${status}`);
    this.status = status;
    this.body = body;
  }
}

export const ask = async (path, method = "GET", options = {}) => {
  let answer;
  try {
    answer = await fetch(path, { method, signal: AbortSignal.timeout(PATIENCE_MS), ...options });
  } catch {
    throw new Error("the server does not answer");
  }
  const body = await answer.json().catch(() => null);
  if (!answer.ok) throw new ApiError(answer.status, body);
  return body;
};
