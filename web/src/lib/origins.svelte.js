// Web pages from elsewhere: those that wait for an answer, and what was answered.
import { ask } from "./api.js";
import { duration } from "./words.js";

class Origins {
  // A question stays where it is until the view is left, answered or not, so that no button moves under the pointer.
  questions = $state.raw([]);
  allowed = $state.raw([]);
  denied = $state.raw([]);
  rule = $state("ask");
  error = $state("");
  #next = 1;

  get waiting() {
    return this.questions.filter((question) => !question.answer).length;
  }

  async read() {
    const list = await ask("/api/v1/origins").catch(() => null);
    if (!list) return;
    this.allowed = list.allowed;
    this.denied = list.denied;
    this.rule = list.unknown_origins;
    const open = new Set(list.pending.map(({ origin }) => origin));
    const questions = this.questions.map((question) => {
      if (question.answer || open.delete(question.origin)) return question;
      return { ...question, answer: this.#elsewhere(question.origin) };
    });
    // The list has the newest first. Here the newest comes last, below what may be under the pointer.
    const added = list.pending.filter(({ origin }) => open.has(origin)).reverse();
    for (const { origin } of added) questions.push({ id: this.#next++, origin, at: performance.now(), answer: "" });
    if (added.length || questions.some((question, at) => question !== this.questions[at])) this.questions = questions;
  }

  forgetAnswered() {
    this.questions = this.questions.filter((question) => !question.answer);
  }

  // `verdict` is "once", "always" or "never".
  async answer(question, verdict) {
    const origin = encodeURIComponent(question.origin);
    const path = verdict === "never" ? `deny?origin=${origin}` : `allow?origin=${origin}${verdict === "always" ? "&always=true" : ""}`;
    let answer;
    try {
      answer = this.#words(await ask(`/api/v1/origins/${path}`, "POST"));
      this.error = "";
    } catch (error) {
      this.error = `The answer was not taken: ${error.message}.`;
      return;
    }
    this.questions = this.questions.map((one) => (one.id === question.id ? { ...one, answer } : one));
    await this.read();
  }

  #words({ allowed, seconds_left, not_remembered }) {
    const until = seconds_left == null ? "" : ` for ${duration(seconds_left * 1000)}`;
    const note = not_remembered ? ` Until the server ends only: ${not_remembered}.` : "";
    return (allowed ? `It may connect${until}, from its next try on.` : "It may not connect.") + note;
  }

  #elsewhere(origin) {
    if (this.allowed.some((one) => one.origin === origin)) return "It was let in elsewhere.";
    return this.denied.includes(origin) ? "It was refused elsewhere." : "It asks no longer.";
  }
}

export const origins = new Origins();
