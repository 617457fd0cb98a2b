// A controller that is not one: serves web/dist under the real policy, and the API of a generated
// fleet. For tests, and for developing the pages (`npm run fake`).
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { answer, type Answer } from './fake_api';
import { FakeFleet, type FleetSize } from './fake_fleet';

export const kToken = 'fake-admin-token';

const kDist = fileURLToPath(new URL('../dist', import.meta.url));
const kTypes: Record<string, string> = {
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

const policy = (nonce: string): string =>
  `default-src 'none'; script-src 'self'; style-src 'self' 'nonce-${nonce}'; ` +
  `img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; ` +
  `form-action 'none'; frame-ancestors 'none'`;

export class FakeController {
  readonly fleet: FakeFleet;
  // While true, streams stay open and say nothing, and other requests hang.
  silent = false;
  refuseToken = false;
  private readonly server: Server;
  private readonly streams = new Set<ServerResponse>();
  private readonly sockets = new Set<Socket>();
  private readonly timer: NodeJS.Timeout;

  constructor(size: FleetSize) {
    this.fleet = new FakeFleet(size);
    this.server = createServer((request, response) => void this.take(request, response));
    this.server.on('connection', (socket: Socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
    this.timer = setInterval(() => this.tick(), 1000);
  }

  async listen(port = 0): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  // Ends all streams and, until `silent` is false again, lets nobody in.
  dropStreams(): void {
    for (const stream of this.streams) stream.end();
  }

  close(): void {
    clearInterval(this.timer);
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }

  private tick(): void {
    for (const link of this.fleet.links) if (link.state === 'open') link.drops += 7;
    if (this.silent) return;
    const data = JSON.stringify(this.fleet.figures(Date.now()));
    for (const stream of this.streams) stream.write(`event: figures\ndata: ${data}\n\n`);
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://fake');
    if (!url.pathname.startsWith('/api/')) return this.serveFile(url.pathname, response);
    const authorised = request.headers.authorization === `Bearer ${kToken}` && !this.refuseToken;
    if (!authorised)
      return send(response, {
        status: 401,
        body: { error: { code: 'unauthenticated', message: 'send the admin token' } },
      });
    if (this.silent) return;
    if (url.pathname === '/api/v1/console/stream') return this.openStream(response);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const body = text === '' ? {} : (JSON.parse(text) as Record<string, string>);
    send(response, answer(this.fleet, request.method ?? 'GET', url, body));
  }

  private openStream(response: ServerResponse): void {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    response.write(`event: fleet\ndata: ${JSON.stringify(this.fleet.wireFleet())}\n\n`);
    response.write(`event: figures\ndata: ${JSON.stringify(this.fleet.figures(Date.now()))}\n\n`);
    this.streams.add(response);
    response.on('close', () => this.streams.delete(response));
  }

  private serveFile(path: string, response: ServerResponse): void {
    if (path.startsWith('/assets/')) {
      const file = join(kDist, normalize(path));
      try {
        const content = readFileSync(file);
        response.writeHead(200, {
          'Content-Type': kTypes[extname(file)] ?? 'application/octet-stream',
          'X-Content-Type-Options': 'nosniff',
        });
        response.end(content);
      } catch {
        response.writeHead(404).end();
      }
      return;
    }
    const nonce = randomBytes(16).toString('base64');
    response.writeHead(200, {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': policy(nonce),
      'Cache-Control': 'no-store',
    });
    const html = readFileSync(join(kDist, 'index.html'), 'utf8');
    response.end(html.replaceAll('__CSP_NONCE__', nonce));
  }
}

function send(response: ServerResponse, { status, body }: Answer): void {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
  response.end(JSON.stringify(body));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [enclosures = 2, nodesEach = 4, links = 20] = process.argv.slice(2).map(Number);
  const url = await new FakeController({ enclosures, nodesEach, links }).listen(8080);
  console.log(`${url}, token ${kToken}`);
}
