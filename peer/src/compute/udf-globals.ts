// The names that a UDF may use without having defined them: what workers of every kind of member have.
// The others that a reader of JavaScript would expect have a sentence that says why not.

const ECMASCRIPT =
  'Array ArrayBuffer AggregateError BigInt BigInt64Array BigUint64Array Boolean DataView Date Error EvalError ' +
  'FinalizationRegistry Float32Array Float64Array Infinity Int16Array Int32Array Int8Array Intl JSON Map Math NaN Number ' +
  'Object Promise Proxy RangeError ReferenceError Reflect RegExp Set String Symbol SyntaxError TypeError URIError ' +
  'Uint16Array Uint32Array Uint8Array Uint8ClampedArray WeakMap WeakRef WeakSet decodeURI decodeURIComponent encodeURI ' +
  'encodeURIComponent escape isFinite isNaN parseFloat parseInt undefined unescape Function';

const PLATFORM =
  'AbortController AbortSignal DOMException Event EventTarget TextDecoder TextEncoder URL URLSearchParams atob btoa ' +
  'clearInterval clearTimeout console performance queueMicrotask setInterval setTimeout structuredClone';

export const ALLOWED_GLOBALS: ReadonlySet<string> = new Set([...ECMASCRIPT.split(' '), ...PLATFORM.split(' ')]);

const PAGE = 'only pages have it, and a function runs in workers of every kind of member';
const NODE = 'only Node has it, and a function runs in pages too';
const NETWORK = 'a function reaches no network; pass what it needs in params, or read it with ctx.get';
const STORAGE = 'a function reaches no storage but the mesh; read with ctx.get';
const WORKER = "it belongs to the worker, which is Shoal's";
const WORLD = 'it is not the same on every member; name what you need from it directly';
const CODE = 'pages refuse code made from text';

const REFUSALS: readonly (readonly [string, string])[] = [
  [
    PAGE,
    'window document localStorage sessionStorage navigator location history screen alert confirm prompt frames parent top opener requestAnimationFrame cancelAnimationFrame getComputedStyle matchMedia Image Audio HTMLElement Element Node DOMParser MutationObserver customElements RTCPeerConnection',
  ],
  [NODE, 'process require module exports __dirname __filename Buffer global setImmediate clearImmediate Deno Bun'],
  [NETWORK, 'fetch XMLHttpRequest WebSocket EventSource WebTransport importScripts Request Response Headers'],
  [STORAGE, 'indexedDB caches cookieStore'],
  [
    WORKER,
    'postMessage onmessage onerror close addEventListener removeEventListener dispatchEvent Worker SharedWorker MessageChannel MessagePort BroadcastChannel',
  ],
  [WORLD, 'globalThis self'],
  ['not every member has it', 'SharedArrayBuffer Atomics WebAssembly Iterator'],
  ['it differs from member to member; ctx.random() gives numbers that are the same each time', 'crypto'],
  [CODE, 'eval'],
];

const WHY = new Map(REFUSALS.flatMap(([why, names]) => names.split(' ').map((name) => [name, why] as const)));

/** Why a name that the platform of some member has is refused. */
export function whyRefused(name: string): string | undefined {
  return WHY.get(name);
}

/** `new Function(…)`, `Function(…)`. */
export const CODE_REFUSAL = CODE;
