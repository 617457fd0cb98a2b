// Waits between attempts: doubling, bounded, and spread so that many consoles do not come back
// at the same instant.
const kFirstMs = 500;
const kMostMs = 10_000;

export class Backoff {
  private attempts = 0;

  constructor(private readonly random: () => number = Math.random) {}

  reset(): void {
    this.attempts = 0;
  }

  nextMs(): number {
    const whole = Math.min(kMostMs, kFirstMs * 2 ** this.attempts);
    this.attempts += 1;
    return whole * (0.5 + this.random() / 2);
  }
}
