// What jsdom lacks and the component library asks for; for component tests.
import { cleanup } from '@testing-library/react';
import { afterEach, vi } from 'vitest';

const kNoMatch = {
  matches: false,
  media: '',
  addEventListener: vi.fn(),
  removeEventListener: vi.fn(),
  dispatchEvent: vi.fn(),
  onchange: null,
};
Object.assign(window, { matchMedia: () => kNoMatch });

class NoResizes implements ResizeObserver {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
}
window.ResizeObserver = NoResizes;
Element.prototype.scrollIntoView = vi.fn();

afterEach(cleanup);
