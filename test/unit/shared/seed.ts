// Random tests print their seed when they fail, and `SEED=…` replays it.

export const seeded: { readonly seed?: number } =
  process.env['SEED'] === undefined ? {} : { seed: Number(process.env['SEED']) };
