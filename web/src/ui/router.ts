// Decided here for all routers. Without startTransition: a filter that lives in the URL is typed
// into, and a deferred update would lose keystrokes.
export const routerFuture = { v7_startTransition: false, v7_relativeSplatPath: true } as const;
