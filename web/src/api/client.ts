// The controller's REST API. The token travels in the Authorization header and nowhere else.

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    // The form field, or query parameter, that is wrong.
    readonly field?: string,
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

interface ErrorBody {
  error?: { code?: string; message?: string; field?: string };
}

// The controller's error as it says it, or one that says what came instead.
export async function errorOf(response: Response): Promise<ApiError> {
  let body: ErrorBody = {};
  try {
    body = (await response.json()) as ErrorBody;
  } catch {
    // Not JSON: the status alone must do.
  }
  const { code, message, field } = body.error ?? {};
  return new ApiError(
    response.status,
    code ?? 'unknown',
    message ?? `the controller answered ${response.status}`,
    field,
  );
}

type Fetch = typeof fetch;

export class Api {
  constructor(
    private readonly token: string,
    private readonly onUnauthenticated: () => void,
    private readonly fetcher: Fetch = (input, init) => fetch(input, init),
  ) {}

  get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return this.send<T>('GET', path, undefined, signal);
  }

  put<T>(path: string, body: object, signal?: AbortSignal): Promise<T> {
    return this.send<T>('PUT', path, body, signal);
  }

  post<T>(path: string, body: object, signal?: AbortSignal): Promise<T> {
    return this.send<T>('POST', path, body, signal);
  }

  delete<T>(path: string, signal?: AbortSignal): Promise<T> {
    return this.send<T>('DELETE', path, undefined, signal);
  }

  // The raw answer, for reading it as it comes. Throws ApiError unless it is 2xx.
  async open(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set('Authorization', `Bearer ${this.token}`);
    const response = await this.fetcher(path, {
      ...init,
      headers,
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'error',
    });
    if (response.ok) return response;
    if (response.status === 401) this.onUnauthenticated();
    throw await errorOf(response);
  }

  private async send<T>(
    method: string,
    path: string,
    body?: object,
    signal?: AbortSignal,
  ): Promise<T> {
    const init: RequestInit = { method, signal: signal ?? null };
    if (body !== undefined) {
      init.body = JSON.stringify(body);
      init.headers = { 'Content-Type': 'application/json' };
    }
    const response = await this.open(path, init);
    return (await response.json()) as T;
  }
}

const part = encodeURIComponent;

export const paths = {
  stream: '/api/v1/console/stream',
  status: '/api/v1/status',
  nodes: '/api/v1/nodes',
  quotas: '/api/v1/quotas',
  revocations: '/api/v1/revocations',
  topology: '/api/v1/topology',
  plans: '/api/v1/plans',
  plan: (version: number) => `/api/v1/plans/${version}`,
  readmit: (node: string) => `/api/v1/nodes/${part(node)}/readmit`,
  link: (link: string) => `/api/v1/links/${part(link)}`,
  linkHistory: (link: string) => `/api/v1/links/${part(link)}/history`,
  nodeHistory: (node: string) => `/api/v1/nodes/${part(node)}/history`,
  quota: (scope: string, dryRun = false) =>
    `/api/v1/quotas/${part(scope)}${dryRun ? '?dry_run=1' : ''}`,
  revoke: (scope: string, dryRun = false) =>
    `/api/v1/scopes/${part(scope)}/revoke${dryRun ? '?dry_run=1' : ''}`,
  restore: (scope: string) => `/api/v1/scopes/${part(scope)}/restore`,
  events: (query: {
    limit: number;
    before?: number;
    kinds?: readonly string[];
    subject?: string;
  }): string => {
    const out = new URLSearchParams({ limit: String(query.limit) });
    if (query.before !== undefined) out.set('before', String(query.before));
    if (query.kinds?.length) out.set('kind', query.kinds.join(','));
    if (query.subject) out.set('subject', query.subject);
    return `/api/v1/events?${out.toString()}`;
  },
};
