// Prometheus' HTTP API, which the renderer's server forwards.

/** A Unix time in seconds and a number, as a string because JSON has no infinity. */
type Sample = [number, string];

/** One series in a response: an instant query returns value, a range query returns values. */
export interface Series {
  metric: Record<string, string>;
  value?: Sample;
  values?: Sample[];
}

interface Answer<Data> {
  status: string;
  data: Data;
  errorType?: string;
  error?: string;
}

/** Every query so far, with Prometheus' error if there is one. */
export const queries: Array<{ query: string; error?: string }> = [];

export async function evaluate(path: string, query: string, parameters: Record<string, string>): Promise<Series[]> {
  const asked: (typeof queries)[number] = { query };
  queries.push(asked);
  try {
    const { result } = await ask<{ result: Series[] }>(path, new URLSearchParams({ query, ...parameters }));
    return result;
  } catch (error) {
    asked.error = error instanceof Error ? error.message : String(error);
    throw error;
  }
}

export async function ask<Data>(path: string, parameters: URLSearchParams): Promise<Data> {
  const response = await fetch(`/prometheus/api/v1/${path}?${parameters}`);
  if (!response.headers.get('content-type')?.startsWith('application/json')) {
    throw new Error(`HTTP ${response.status}: ${(await response.text()).slice(0, 200)}`);
  }
  const answer: Answer<Data> = await response.json();
  if (answer.status !== 'success') {
    throw new Error(`${answer.errorType}: ${answer.error}`);
  }
  return answer.data;
}
