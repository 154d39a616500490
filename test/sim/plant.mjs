// Plants a fault: replaces a line of a source as it is loaded, before it is compiled. Preloaded with the
// fault in SHOAL_PLANT; a text that is not found, or is found twice, ends the process.

import { register } from 'node:module';

const planted = process.env.SHOAL_PLANT;
if (planted !== undefined) register('./plant-hooks.mjs', { parentURL: import.meta.url, data: JSON.parse(planted) });
