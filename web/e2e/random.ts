// Small, seeded, good enough for test data.
export function generator(seed: number): () => number {
  let x = seed;
  return () => {
    x = (x * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return x / 4_294_967_296;
  };
}
