// Sums of what may be unknown: the known part, or null when nothing is known.
export function addKnown(sum: number | null, value: number | null): number | null {
  if (value === null) return sum;
  return (sum ?? 0) + value;
}
