// The controller puts a fresh nonce into index.html with every answer; styles that libraries make
// at run time must carry it.
export function cspNonce(): string {
  return document.querySelector('meta[name="csp-nonce"]')?.getAttribute('content') ?? '';
}
