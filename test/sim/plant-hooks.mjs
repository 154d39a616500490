// The loader's side of `plant.mjs`.

let fault;

export function initialize(data) {
  fault = data;
}

export async function load(url, context, nextLoad) {
  const loaded = await nextLoad(url, context);
  if (!url.split('?')[0].endsWith(`/${fault.file}`)) return loaded;
  const parts = String(loaded.source).split(fault.text);
  if (parts.length !== 2) throw new Error(`${fault.file} has ${parts.length - 1} times: ${fault.text}`);
  return { ...loaded, source: parts.join(fault.replacement) };
}
