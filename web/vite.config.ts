import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// `npm run dev` speaks to a controller on this machine, or to `npm run fake`.
const controller = process.env['SLUICE_CONTROLLER'] ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [react()],
  server: { proxy: { '/api': { target: controller, changeOrigin: true } } },
  build: {
    target: 'es2022',
    // The policy allows no fonts or scripts from data: URLs.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 600,
  },
  test: {
    environment: 'node',
    include: ['src/**/*.test.{ts,tsx}'],
    setupFiles: ['test/setup.ts'],
  },
});
