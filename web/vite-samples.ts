// The sample files that come with the project: taken out of vega-datasets into the build, none in git.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';

const FILES = ['flights-200k.json', 'birdstrikes.csv', 'movies.json'];
const FOLDER = new URL('../node_modules/vega-datasets/data/', import.meta.url);

/** Emits them as `samples/NAME`. */
export function sampleFiles(): Plugin {
  return {
    name: 'shoal-samples',
    apply: 'build',
    generateBundle() {
      for (const name of FILES) {
        this.emitFile({
          type: 'asset',
          fileName: `samples/${name}`,
          source: readFileSync(fileURLToPath(new URL(name, FOLDER))),
        });
      }
    },
  };
}
