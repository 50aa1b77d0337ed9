// Calls of the HTTP API, and its errors.

/** An error with the problem that the server told. */
export class Failure extends Error {
  constructor(problem) {
    super([problem.detail, problem.remedy].filter(Boolean).join(" "));
    this.problem = problem;
  }
}

/** Calls the API and gives the answer's JSON, or null for an answer without a body. Throws a Failure. */
export async function call(method, url, body) {
  const options = { method, headers: { Accept: "application/json" } };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    // Text is JSON already: numbers beyond 2^53 would lose digits as JavaScript numbers.
    options.body = typeof body === "string" ? body : JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(url, options);
  } catch {
    throw new Failure({ detail: "The server does not answer.", remedy: "Check that it runs, and try again." });
  }
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => null);
  if (response.ok) return answer;
  if (response.status === 401) {
    throw new Failure({ detail: "Your session has ended.", remedy: "Load the page again to log in." });
  }
  throw new Failure(answer ?? { detail: `The server answered ${response.status}.` });
}
