import { setNonce } from 'get-nonce';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './ui/app';
import { cspNonce } from './ui/nonce';
import '@mantine/core/styles.css';
import 'uplot/dist/uPlot.min.css';
import './ui/console.css';

// Mantine's modals lock scrolling with a style element that takes its nonce from here.
setNonce(cspNonce());

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
