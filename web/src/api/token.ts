// The admin token lives in this tab's session storage: not in a cookie, not in a URL, not on disk.
const kKey = 'sluice.token';

export function loadToken(): string | null {
  return sessionStorage.getItem(kKey);
}

export function saveToken(token: string): void {
  sessionStorage.setItem(kKey, token);
}

export function forgetToken(): void {
  sessionStorage.removeItem(kKey);
}
