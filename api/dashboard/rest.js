// The one place that speaks to REST: requests, problem details, the token, server-sent events.

const TOKEN = "tern-token";

/** An error answer (RFC 9457). `status` 0 means there was no answer. `fields`: what is wrong by field. */
export class Problem extends Error {
  constructor(status, { title = "", detail = "", errors = [] } = {}) {
    super(detail || title || `HTTP ${status}`);
    this.status = status;
    this.fields = new Map(
      (errors ?? []).map(({ where, what }) => [where.split(".").slice(1).join("."), what]),
    );
  }
}

let askForToken = async () => null;

/** Say how the user is asked for a token; `ask(detail)` gives the token, or null if he has none. */
export function onTokenWanted(ask) {
  let asking = null;
  let isDeclined = false;
  askForToken = async (detail) => {
    if (isDeclined) return null; // once is enough; the page can be loaded again
    asking ??= ask(detail).finally(() => {
      asking = null;
    });
    const token = await asking;
    isDeclined = token === null;
    return token;
  };
}

async function answerOf(method, path, { body, headers = {}, signal } = {}) {
  const token = sessionStorage.getItem(TOKEN);
  const sent = { Accept: "application/json", ...headers };
  if (token) sent.Authorization = `Bearer ${token}`;
  if (body !== undefined) sent["Content-Type"] ??= "application/json";
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers: sent,
      body: body && JSON.stringify(body),
      signal,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { detail: "The UPF does not answer. Is it running?" });
  }
  if (answer.status === 401) {
    const given = await askForToken((await problemOf(answer)).message);
    if (given === null)
      throw new Problem(401, {
        detail: "This UPF asks for a token: load the page again to give one.",
      });
    sessionStorage.setItem(TOKEN, given);
    return answerOf(method, path, { body, headers, signal });
  }
  if (!answer.ok) throw await problemOf(answer);
  return answer;
}

async function problemOf(answer) {
  const text = await answer.text();
  try {
    return new Problem(answer.status, JSON.parse(text));
  } catch {
    return new Problem(answer.status, { title: answer.statusText, detail: text.slice(0, 200) });
  }
}

/** Ask REST; gives { data, headers }. Throws Problem. */
export async function ask(method, path, options) {
  const answer = await answerOf(method, path, options);
  const text = await answer.text();
  return { data: text ? JSON.parse(text) : null, headers: answer.headers };
}

/** What GET gives at `path`. */
export async function get(path, options) {
  return (await ask("GET", path, options)).data;
}

/** The events of a server-sent event stream, as { event, data }, until it ends or is aborted. */
export async function* events(path, signal) {
  const answer = await answerOf("GET", path, { headers: { Accept: "text/event-stream" }, signal });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).replaceAll("\r", "").split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const fields = new Map(block.split("\n").map((line) => line.split(/: ?(.*)/s).slice(0, 2)));
      if (fields.has("data")) {
        yield { event: fields.get("event") ?? "message", data: JSON.parse(fields.get("data")) };
      }
    }
  }
}
